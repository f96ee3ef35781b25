"""Frozen features of images, computed once: what stands before every classical method on images."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from medgraft.cohort.digest import sample_digest
from medgraft.methods.finetune.images import Progress, image_paths, kind_of
from medgraft.methods.table import InputError
from medgraft.sources.pretrained import Pretrained
from medgraft.sources.store import FeatureStore, cache_root

if TYPE_CHECKING:
    import torch

    from medgraft.sources.backbone import Backbone


class BackboneFeatures(TransformerMixin, BaseEstimator):
    """Turn images or volumes into the pooled features of a frozen pretrained network.

    Use it before any method for arrays, with a few dozen to thousands of images. Not where the network must
    change to see the finding: then `finetune`. It learns nothing from the data, so nothing can leak.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    device : str, default "auto"
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Attributes
    ----------
    progress : callable or None
        Called with ("features", done, total); not a setting.

    Notes
    -----
    Each file is decoded and passed through the network once, ever: features are kept on disk by the content
    of the file, the weights of the network and the kind of device, as devices round differently (see
    `medgraft.sources.store.FeatureStore`). On the CPU they are the same to the last bit for any number of
    cores and any company of images (of EfficientNet-B3 and B4 at 64 pixels to 3e-6 of the largest).

    Examples
    --------
    >>> BackboneFeatures("timm:resnet18").source
    'timm:resnet18'
    """

    progress: Progress | None = None

    def __init__(self, source: Pretrained | str | None = None, *, device: str = "auto") -> None:
        self.source = source
        self.device = device

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        return tags

    def fit(self, X: Any = None, y: Any = None, **ignored: Any) -> Self:
        """Do nothing: the network is trained already."""
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return features (n, d), float32, of a DataFrame with a column ``image``, ``volume``, ... of paths.

        Raises
        ------
        MedgraftError
            A file is missing or no image; the network cannot be loaded.
        """
        from medgraft.sources.forward import features_of, pick_device

        paths, self.kind_ = image_paths(X), kind_of(X)
        keys = [sample_digest(self.kind_, path) for path in paths]
        restored: Backbone | None = getattr(self, "restored_", None)
        if restored is not None and restored.kind != self.kind_:
            raise InputError(f"'{restored.spec.name}' was kept for other data than {self.kind_}s.")
        network = restored.fingerprint if restored is not None else fingerprint(self._source())
        device = pick_device(self.device)
        maker = network if device.type == "cpu" else f"{network}-{device.type}"

        def compute(places: list[int], tell: Callable[[int], None]) -> np.ndarray:
            backbone = self.backbone()
            return features_of(
                [paths[i] for i in places],
                backbone.preprocess,
                backbone.module.to(device),
                device=device,
                progress=tell,
            )

        def tell(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress("features", done, total)

        return FeatureStore().rows(maker, keys, None, compute, tell)

    def backbone(self) -> Backbone:
        """Return the network, loaded once per process."""
        restored: Backbone | None = getattr(self, "restored_", None)
        return restored if restored is not None else loaded(self._source())

    def _source(self) -> Pretrained:
        """Return the network as it reads what was transformed last."""
        source = Pretrained.of(self.source)
        return source.reading(getattr(self, "kind_", source.kind))

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and weights."""
        backbone = self.backbone()
        return {"backbone": backbone.config(), "device": self.device}, backbone.tensors()

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it needs no other file."""
        from medgraft.sources.backbone import Backbone

        made = cls(Pretrained(config["backbone"]["network"]["name"]), device=config.get("device", "auto"))
        made.restored_ = Backbone.from_config(config["backbone"], tensors)
        return made


def loaded(source: Pretrained) -> Backbone:
    """Return the frozen backbone of a source, loaded once per process; do not train it."""
    return _loaded(source, source.fingerprint())


@lru_cache(maxsize=2)
def _loaded(source: Pretrained, content: str) -> Backbone:
    return source.load()


def fingerprint(source: Pretrained) -> str:
    """Return the backbone's fingerprint; for a file seen before without loading torch.

    The answer is noted in the cache under the file's checksum.
    """
    if source.facts.path is None:
        return loaded(source).fingerprint
    note = cache_root() / "networks" / f"{source.fingerprint()}.txt"
    try:
        known = note.read_text().strip()
    except OSError:
        known = ""
    if len(known) == 64:
        return known
    found = loaded(source).fingerprint
    _write_note(note, found)
    return found


def _write_note(note: Path, text: str) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        partial = note.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(text)
        partial.replace(note)
    except OSError:
        return  # only a note: the next process loads the network to find out
