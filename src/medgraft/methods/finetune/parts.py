"""The parts of a fusion: what each source says of a row, on one scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.media import ARRAYS, PICTURES
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.images import Progress
from medgraft.methods.finetune.views import seen_again
from medgraft.methods.splits import Floats
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch


class Part(ABC):
    """One source of features, standardised on the training rows.

    Attributes
    ----------
    name : str
        What a user calls it.
    reads : tuple of str
        Kinds of which it can read one.
    kind : str
        What it reads of a row, which may be missing there: ``"image"``, ..., ``"clinical"``.
    names : list of str
        Names of its features, once fitted.
    """

    form: ClassVar[str]
    name: str
    reads: tuple[str, ...]
    kind: str
    names: list[str]

    def settle(self, kinds: Sequence[str]) -> Self:
        """Read the first of the kinds that there are."""
        self.kind = next((kind for kind in self.reads if kind in kinds), self.reads[0])
        return self

    def needs(self) -> list[str]:
        """Columns of a row that it reads."""
        return [self.kind]

    def there(self, X: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows (n,) have what it reads."""
        return X[self.kind].notna().to_numpy()

    @abstractmethod
    def fit(self, X: pd.DataFrame, weight: Floats, progress: Progress | None) -> Floats:
        """Learn the scale, and return the standardised features (n, d)."""

    @abstractmethod
    def transform(self, X: pd.DataFrame, progress: Progress | None) -> Floats:
        """Return the standardised features (n, d)."""

    def again(self, X: pd.DataFrame, k: int) -> Floats:
        """Return the standardised features of the k-th view of the images (see `views.view`)."""
        return self.transform(X, None)

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it, but for the encoder: facts (JSON-able) and tensors."""

    def _facts(self, **more: Any) -> dict[str, Any]:
        return {"form": self.form, "name": self.name, "kind": self.kind, **more}


class NetworkPart(Part):
    """Pooled features of a frozen network, as in `LinearProbe`."""

    form = "network"

    def __init__(self, source: Pretrained, device: str) -> None:
        self.name = source.facts.architecture
        self.reads = kinds_read(source)
        self.featuriser = BackboneFeatures(source, device=device)

    def fit(self, X: pd.DataFrame, weight: Floats, progress: Progress | None) -> Floats:
        """Learn the scale, and return the standardised features (n, d)."""
        F = self._features(X, progress)
        self.mean, self.scale = scaling(F, weight)
        return np.asarray((F - self.mean) / self.scale)

    def transform(self, X: pd.DataFrame, progress: Progress | None) -> Floats:
        """Return the standardised features (n, d)."""
        return np.asarray((self._features(X, progress) - self.mean) / self.scale)

    def again(self, X: pd.DataFrame, k: int) -> Floats:
        """Return the standardised features of the k-th view of the images."""
        F = seen_again(self.featuriser, [str(cell) for cell in X[self.kind]], k)
        return np.asarray((F - self.mean) / self.scale)

    def _features(self, X: pd.DataFrame, progress: Progress | None) -> np.ndarray:
        self.featuriser.progress = progress
        return self.featuriser.transform(X[[self.kind]])

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """Names of the features."""
        return [f"{self.name}[{j}]" for j in range(len(self.mean))]

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it, but for an encoder."""
        import torch

        config, trunk = self.featuriser.state()
        tensors = {f"trunk.{name}": tensor for name, tensor in trunk.items()}
        tensors |= {"mean": torch.from_numpy(self.mean), "scale": torch.from_numpy(self.scale)}
        return self._facts(featuriser=config), tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave."""
        trunk = {n.removeprefix("trunk."): t for n, t in tensors.items() if n.startswith("trunk.")}
        made = cls.__new__(cls)
        made.name, made.kind, made.reads = config["name"], config["kind"], (config["kind"],)
        made.featuriser = BackboneFeatures.from_state(config["featuriser"], trunk)
        made.mean, made.scale = tensors["mean"].numpy(), tensors["scale"].numpy()
        return made


def kinds_read(source: Pretrained) -> tuple[str, ...]:
    """Return the kinds of which a network reads one, the likeliest first, as far as it is known."""
    if source.array is not None:
        return (source.kind,)
    if source.facts.dims == 2:
        return ("volume", "image", "signal") if source.volume is not None else (*PICTURES, "signal")
    return ARRAYS if source.facts.dims == 1 else ("volume",)
