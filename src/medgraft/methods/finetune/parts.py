"""The parts of a fusion: what a network, radiomics or clinical columns say of a row, on one scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from PIL import Image

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.images import decode_image
from medgraft.cohort.media import PICTURES, open_sample
from medgraft.methods.encode import TableEncoder
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.images import Progress
from medgraft.methods.finetune.views import seen_again, view
from medgraft.methods.splits import Floats
from medgraft.sources.pretrained import Pretrained
from medgraft.sources.radiomics import Radiomics, radiomic_rows

if TYPE_CHECKING:
    import torch


class Part(ABC):
    """One source of features, standardised on the training rows.

    Attributes
    ----------
    name : str
        What a user calls it.
    files : bool
        Whether it reads the row's image or volume, which may be missing.
    names : list of str
        Names of its features, once fitted.
    """

    name: str
    files: bool
    names: list[str]

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


class NetworkPart(Part):
    """Pooled features of a frozen network, as in `LinearProbe`."""

    files = True

    def __init__(self, source: Pretrained, device: str) -> None:
        self.name = source.facts.architecture
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
        F = seen_again(self.featuriser, [str(cell) for cell in X[file_column(X)]], k)
        return np.asarray((F - self.mean) / self.scale)

    def _features(self, X: pd.DataFrame, progress: Progress | None) -> np.ndarray:
        self.featuriser.progress = progress
        return self.featuriser.transform(X)

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
        return {"kind": "network", "name": self.name, "featuriser": config}, tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave."""
        trunk = {n.removeprefix("trunk."): t for n, t in tensors.items() if n.startswith("trunk.")}
        made = cls.__new__(cls)
        made.name = config["name"]
        made.featuriser = BackboneFeatures.from_state(config["featuriser"], trunk)
        made.mean, made.scale = tensors["mean"].numpy(), tensors["scale"].numpy()
        return made


class TablePart(Part):
    """Columns of numbers and words, encoded by `TableEncoder`; those of radiomics are computed first."""

    def __init__(self, source: Radiomics | None, columns: Sequence[str]) -> None:
        self.source, self.columns = source, list(columns)
        self.files = source is not None
        self.name = "clinical" if source is None else "radiomics"

    def fit(self, X: pd.DataFrame, weight: Floats, progress: Progress | None) -> Floats:
        """Learn the scale, and return the standardised features (n, d)."""
        table = self._table(X, progress)
        self.encoder = TableEncoder().fit(table, sample_weight=weight)
        return self.encoder.transform(table)

    def transform(self, X: pd.DataFrame, progress: Progress | None) -> Floats:
        """Return the standardised features (n, d)."""
        return self.encoder.transform(self._table(X, progress))

    def again(self, X: pd.DataFrame, k: int) -> Floats:
        """Return the encoded features of the k-th view of the images."""
        if self.source is None:
            return self.transform(X, None)
        masks = self._masks(X)
        rows = []
        for i, cell in enumerate(X[file_column(X)]):
            image = view(decode_image(str(cell)).convert("L"), k)
            mask = None
            if masks is not None:
                outline = np.asarray(open_sample("mask", masks[i])) != 0
                mask = np.asarray(view(Image.fromarray(outline.astype(np.uint8)), k, smooth=False)) != 0
            rows.append(list(self.source.features(np.asarray(image, dtype=np.float64), mask).values()))
        return self.encoder.transform(pd.DataFrame(rows, columns=self.source.names(2)))

    def _table(self, X: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
        if self.source is None:
            return X[self.columns]
        kind = file_column(X)
        masks = self._masks(X)
        tell = None if progress is None else lambda done, total: progress("radiomics", done, total)
        rows = radiomic_rows(self.source, kind, [str(cell) for cell in X[kind]], masks, tell)
        return pd.DataFrame(rows.astype(np.float64), columns=self.source.names(3 if kind == "volume" else 2))

    def _masks(self, X: pd.DataFrame) -> list[str] | None:
        if self.source is None or self.source.region != "mask":
            return None
        if "mask" not in X.columns or X["mask"].isna().any():
            raise MedgraftError("Radiomics with region=mask needs a mask for each image: give --mask.")
        return [str(cell) for cell in X["mask"]]

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """Names of the features."""
        return list(self.encoder.names_)

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it, but for an encoder."""
        source = None if self.source is None else str(self.source)
        return {"kind": "table", "source": source, "columns": self.columns}, {}

    @classmethod
    def from_state(cls, config: dict[str, Any], encoder: TableEncoder) -> Self:
        """Rebuild what :meth:`state` gave."""
        source = None if config["source"] is None else Radiomics.of(config["source"])
        made = cls(source, config["columns"])
        made.encoder = encoder
        return made


def file_column(X: pd.DataFrame) -> str:
    """Return which column of references a table has.

    Raises
    ------
    MedgraftError
        It has none.
    """
    for kind in PICTURES:
        if kind in X.columns:
            return kind
    raise MedgraftError("There is no column of images or volumes to read: name it with --image or --volume.")


def chosen_parts(sources: Sequence[Any], columns: Sequence[str], parts: str, device: str) -> list[Part]:
    """Make the parts that are asked for, in the order in which they were given.

    Parameters
    ----------
    sources : sequence of Pretrained, Radiomics or str
    columns : sequence of str
        Clinical columns.
    parts : str
        ``"all"``, or names with slashes between them.
    device : str

    Raises
    ------
    MedgraftError
        A name is that of no part, or there is no part.
    """
    made: list[Part] = []
    for source in sources:
        if isinstance(source, str):
            source = Radiomics.of(source) if source.partition(":")[0] == "radiomics" else Pretrained(source)
        made.append(TablePart(source, ()) if isinstance(source, Radiomics) else NetworkPart(source, device))
    if columns:
        made.append(TablePart(None, columns))
    names: list[str] = []
    for part in made:  # one network twice, with other weights, has two names
        count = sum(part.name == name.partition("#")[0] for name in names)
        part.name += f"#{count + 1}" if count else ""
        names.append(part.name)
    if not made:
        raise MedgraftError(
            "There is nothing to fuse: give several --source (networks, radiomics), or clinical columns."
        )
    if parts == "all":
        return made
    asked = [name.strip() for name in parts.split("/")]
    for name in asked:
        if name not in names:
            raise MedgraftError(
                f"'{name}' is no part of this fusion: it has {', '.join(names)}.{did_you_mean(name, names)}"
            )
    return [part for part in made if part.name in asked]
