"""A small network for volumes that learnt generated ones: what stands for 3-D networks in generated runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from medgraft.cohort import Cohort, generate, read
from medgraft.sources.store import cache_root

SIDE, WINDOW = 8, "75/40"  # voxels of a side; the generated brain is 35 HU, a lesion in it 75


def heads_of(folder: Path, n_patients: int, **settings: Any) -> Cohort:
    """Write generated CT series of heads, with something in them in the last class.

    Parameters
    ----------
    folder : path
    n_patients : int
    **settings
        Of :func:`medgraft.cohort.generate.dicom`.
    """
    usual: dict[str, Any] = {"size": 32, "slices": 8, "sites": ("a",)}
    made = generate.dicom(folder, n_patients, **(usual | settings))
    return read(
        made.path / "manifest.csv", volume="series", label="label", group="patient", features=(), domain=None
    )


def stand_in_volume(seed: int = 0) -> Path:
    """Return a file of a small 3-D ResNet that learnt 80 generated heads; kept in the cache.

    For generated runs alone, as `medgraft.studies.kit.networks.stand_in` is for images.
    """
    place = cache_root() / "studies" / f"stand_in_volume_{seed}.safetensors"
    if not place.exists():
        _train(seed, place)
    return place


def _train(seed: int, place: Path) -> None:
    from medgraft.methods.controls.scratch import Scratch
    from medgraft.sources import Pretrained
    from medgraft.studies.kit.self_taught import kept

    source = Pretrained("medgraft:resnet3d_10", volume=f"size={SIDE},window={WINDOW}")
    with tempfile.TemporaryDirectory() as folder:
        cohort = heads_of(Path(folder), 80, seed=seed + 1000)
        net = Scratch(source, epochs=8, batch_size=16, validation=0, random_state=seed, device="cpu")
        net.fit(cohort.X, cohort.y)
    kept(net.backbone_, place)
