"""Which networks a run uses in place of the published ones, and small ones for generated images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medgraft.sources import Pretrained
from medgraft.sources.store import cache_root
from medgraft.studies.kit.self_taught import kept

CONTENTS = ("shape", "texture")  # one stand-in learnt each


def used(published: Sequence[str], given: Sequence[str], generated: bool) -> dict[str, str]:
    """Return the source used for each published network, in order.

    Parameters
    ----------
    published : sequence of str
    given : sequence of str
        Those of ``--backbone``: the k-th stands for the k-th published one; the last for all that follow.
    generated : bool
        Small networks that learnt generated images stand for all.
    """
    if given:
        return {name: given[min(i, len(given) - 1)] for i, name in enumerate(published)}
    if generated:
        return {name: str(stand_in(CONTENTS[min(i, len(CONTENTS) - 1)])) for i, name in enumerate(published)}
    return {name: name for name in published}


def distinct(sources: Sequence[str], size: int | None, channels: int = 3) -> list[Pretrained]:
    """Return the sources without repetition, in order."""
    return [Pretrained(spec, channels=channels, size=size) for spec in dict.fromkeys(sources)]


def stand_in(content: str = "shape", seed: int = 0) -> Path:
    """Return a file of a ResNet-20 that learnt 400 generated images of 32 pixels; kept in the cache.

    For generated runs alone, where no weights can be had: ten seconds of training, once.

    Parameters
    ----------
    content : {"shape", "texture"}
        What it told apart.
    seed : int
    """
    place = cache_root() / "studies" / f"stand_in_{content}_{seed}.safetensors"
    if not place.exists():
        _train(content, seed, place)
    return place


def _train(content: str, seed: int, place: Path) -> None:
    import tempfile

    from medgraft.methods.controls.scratch import Scratch
    from medgraft.studies.kit.made import images_of

    with tempfile.TemporaryDirectory() as folder:
        cohort = images_of(
            Path(folder), 400, content=content, classes=("a", "b", "c", "d"), shift=0.5, seed=seed + 1000
        )
        net = Scratch("medgraft:cifar_resnet20", epochs=6, validation=0, random_state=seed, device="cpu")
        net.fit(cohort.X, cohort.y)
    kept(net.backbone_, place)
