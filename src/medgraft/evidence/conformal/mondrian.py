"""Thresholds by category, which sets and intervals share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.conformal.quantile import Scores, check_alpha, patient_weights, patients_needed
from medgraft.evidence.metrics.base import Floats


class Mondrian:
    """Calibrated thresholds, one for each category of rows; infinite where it is unknown or too small.

    Attributes
    ----------
    note_ : str
        Which categories have too few patients, and how many are needed; or "".
    """

    alpha: float

    def _calibrate(
        self,
        scores: Floats,
        category: NDArray[Any],
        group: ArrayLike | None,
        weight: Floats,
        expected: NDArray[Any] | None = None,
    ) -> None:
        check_alpha(self.alpha)
        if not np.isfinite(scores).all():
            raise MedgraftError("Calibration needs finite predictions and labels: drop the rows without.")
        who = np.arange(len(scores)) if group is None else np.asarray(group)
        patient_weights(len(scores), group)  # checks
        self.scores_: dict[Any, Scores] = {}
        notes, needed = [], patients_needed(self.alpha)
        for c in np.unique(category) if expected is None else np.union1d(category, expected):
            rows = category == c
            own = weight[rows]
            if rows.any() and not own.sum() > 0:
                raise MedgraftError("All calibration weights are 0: nobody there is like the new patients.")
            if rows.any():
                by_patient = patient_weights(int(rows.sum()), who[rows])
                self.scores_[c.item()] = Scores.of(scores[rows], own * by_patient)
            patients = len(np.unique(who[rows]))
            if patients < needed:
                where = f" of '{c}'" if c != "" else ""
                notes.append(f"{patients} calibration patients{where} bound nothing: {needed} are needed.")
        self.note_ = " ".join(notes)

    def _check_fitted(self) -> None:
        if not hasattr(self, "scores_"):
            raise MedgraftError("Nothing is calibrated yet: call fit on the calibration part first.")

    def _threshold(self, category: NDArray[Any], own: Floats) -> Floats:
        out = np.full(len(own), np.inf)
        for c in np.unique(category):
            if c.item() in self.scores_:
                rows = category == c
                out[rows] = self.scores_[c.item()].threshold(self.alpha, own[rows])
        return out


def subgroups(values: ArrayLike | None, n: int) -> NDArray[np.str_]:
    """Return the name of each row's subgroup, (n,); "" without any.

    Raises
    ------
    MedgraftError
        There is not one per row.
    """
    if values is None:
        return np.full(n, "", dtype=str)
    names = np.asarray(values).astype(str)
    if names.shape != (n,):
        raise MedgraftError(f"'subgroup' has shape {names.shape}, but there are {n} rows: give one per row.")
    return names
