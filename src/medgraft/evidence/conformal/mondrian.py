"""Thresholds by category, which sets and intervals share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.conformal.quantile import Scores, check_alpha, patient_weights, patients_needed
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import Floats


class Mondrian:
    """Calibrated thresholds, one for each category of rows; infinite where it is unknown or too small.

    Attributes
    ----------
    note_ : str
        Which categories have too few patients, and how many are needed; or "".
    """

    alpha: float
    weighted_: bool

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

    def _saved(self) -> dict[str, Any]:
        """Return the thresholds of a new row of weight 1 by category, and no score of a patient."""
        self._check_fitted()
        if self.weighted_:
            raise MedgraftError(
                "Thresholds with weights differ from row to row and cannot be saved: leave out weight."
            )
        found = {c: float(s.threshold(self.alpha, np.ones(1))[0]) for c, s in self.scores_.items()}
        return {"alpha": self.alpha, "thresholds": {c: jsonable(q) for c, q in found.items()}}

    def _restore(self, saved: dict[str, Any]) -> None:
        """Take the thresholds that `_saved` returned, None being infinite."""
        found = {c: math.inf if q is None else float(q) for c, q in saved["thresholds"].items()}
        self.scores_ = {c: Scores.fixed(q) for c, q in found.items()}
        self.weighted_ = False
        open_ = [f" of '{c}'" if c else "" for c, q in found.items() if math.isinf(q)]
        self.note_ = " ".join(f"The threshold{c} is infinite: too few patients calibrated." for c in open_)

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
