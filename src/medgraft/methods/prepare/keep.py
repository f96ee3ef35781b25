"""Steps that let only some of the training rows teach."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.methods.nesting import Choosing
from medgraft.methods.rows import Mask, Rows


class Keeping(Choosing):
    """Base of the steps around an arm that leave some training rows out.

    Derive from it and write ``_kept(rows, X)``, which says which rows teach. Rows to be predicted are never
    left out.

    Parameters
    ----------
    estimator : estimator
        The arm.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int
        Seed.

    Attributes
    ----------
    best_ : estimator
        The arm, fitted on what was kept.
    note_ : str
        How many rows were kept, and the arm's own note.
    """

    falls_back_to_pooled = False
    estimator: Any

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Choose the rows, and fit the arm on them; parameters as in `TransferEstimator.fit`."""
        columns = {"domain": domain, "labelled": labelled, "sample_weight": sample_weight, "groups": groups}
        given, rows = self._given(X, y, target, **columns)
        kept = self._kept(rows, X)
        self.best_ = given.fit(self.estimator, rows.index[kept])
        said = f"{int(kept.sum())} of {len(kept)} training rows were kept."
        self.note_ = " ".join(filter(None, (said, getattr(self.best_, "note_", ""))))
        return self

    @abstractmethod
    def _kept(self, rows: Rows, X: Any) -> Mask:
        """Return which of `rows` teach; at least one of each class must."""


def references(step: str, rows: Rows, X: Any) -> np.ndarray:
    """Return the references of the images of `rows`, for a step that looks at them.

    Raises
    ------
    MedgraftError
        The data are no images.
    """
    if not isinstance(X, pd.DataFrame) or list(X.columns) != ["image"]:
        raise MedgraftError(f"{step} looks at images, and these data are none: leave it out.")
    cells = X["image"].to_numpy(dtype=object)[rows.index]
    return np.array([None if pd.isna(cell) else str(cell) for cell in cells], dtype=object)
