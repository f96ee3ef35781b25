"""Parts of a fusion that are tables: clinical columns, views of signals and sequences, radiomics."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort.images import decode_image
from medgraft.cohort.media import PICTURES, open_sample
from medgraft.methods.encode import TableEncoder
from medgraft.methods.finetune.images import Progress
from medgraft.methods.finetune.parts import Part
from medgraft.methods.finetune.views import view
from medgraft.methods.splits import Floats
from medgraft.methods.views import ViewFeatures
from medgraft.sources.radiomics import Radiomics, radiomic_rows

if TYPE_CHECKING:
    import torch


class TablePart(Part):
    """Numbers and words, encoded by `TableEncoder`; derive from it: write ``_table`` and ``_settings``."""

    encoder: TableEncoder

    def fit(self, X: pd.DataFrame, weight: Floats, progress: Progress | None) -> Floats:
        """Learn the scale, and return the standardised features (n, d)."""
        table = self._table(X, progress)
        self.encoder = TableEncoder().fit(table, sample_weight=weight)
        return self.encoder.transform(table)

    def transform(self, X: pd.DataFrame, progress: Progress | None) -> Floats:
        """Return the standardised features (n, d)."""
        return self.encoder.transform(self._table(X, progress))

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        """Names of the features."""
        return list(self.encoder.names_)

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it, but for an encoder."""
        return self._facts(**self._settings()), {}

    @abstractmethod
    def _table(self, X: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
        """Return the columns (n, p) that are encoded."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Return what its class is made with, JSON-able."""


class ColumnsPart(TablePart):
    """Clinical columns; a row without any value in them has no table."""

    form = "columns"

    def __init__(self, columns: Sequence[str], kind: str = "clinical") -> None:
        self.columns, self.name, self.kind, self.reads = list(columns), kind, kind, (kind,)

    def needs(self) -> list[str]:
        """Columns of a row that it reads."""
        return self.columns

    def there(self, X: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows (n,) have a value."""
        return X[self.columns].notna().any(axis=1).to_numpy()

    def _table(self, X: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
        return X[self.columns]

    def _settings(self) -> dict[str, Any]:
        return {"columns": self.columns}


class ViewsPart(TablePart):
    """Views of signals or sequences, or the values of omics."""

    form = "views"

    def __init__(self, source: ViewFeatures) -> None:
        self.source, self.kind, self.reads = source, source.kind, (source.kind,)
        self.name = f"{self.kind}-views"

    def _table(self, X: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
        self.source.progress = progress
        return self.source.transform(X[[self.kind]])

    def _settings(self) -> dict[str, Any]:
        return {"source": {"views": list(self.source.views), "reading": dict(self.source.reading or {})}}


class RadiomicsPart(TablePart):
    """Radiomics of images or volumes."""

    form = "radiomics"

    def __init__(self, source: Radiomics) -> None:
        self.source, self.name, self.reads = source, "radiomics", PICTURES

    def needs(self) -> list[str]:
        """Columns of a row that it reads."""
        return [self.kind, "mask"] if self.source.region == "mask" else [self.kind]

    def again(self, X: pd.DataFrame, k: int) -> Floats:
        """Return the encoded features of the k-th view of the images."""
        masks = self._masks(X)
        rows = []
        for i, cell in enumerate(X[self.kind]):
            image = view(decode_image(str(cell)).convert("L"), k)
            mask = None
            if masks is not None:
                outline = np.asarray(open_sample("mask", masks[i])) != 0
                mask = np.asarray(view(Image.fromarray(outline.astype(np.uint8)), k, smooth=False)) != 0
            rows.append(list(self.source.features(np.asarray(image, dtype=np.float64), mask).values()))
        return self.encoder.transform(pd.DataFrame(rows, columns=self.source.names(2)))

    def _table(self, X: pd.DataFrame, progress: Progress | None) -> pd.DataFrame:
        kind, masks = self.kind, self._masks(X)
        tell = None if progress is None else lambda done, total: progress("radiomics", done, total)
        rows = radiomic_rows(self.source, kind, [str(cell) for cell in X[kind]], masks, tell)
        return pd.DataFrame(rows.astype(np.float64), columns=self.source.names(3 if kind == "volume" else 2))

    def _masks(self, X: pd.DataFrame) -> list[str] | None:
        if self.source.region != "mask":
            return None
        if X["mask"].isna().any():
            raise MedgraftError("Radiomics with region=mask needs a mask for each image: give --mask.")
        return [str(cell) for cell in X["mask"]]

    def _settings(self) -> dict[str, Any]:
        return {"source": str(self.source)}
