"""Predictions of one arm with all that is needed to judge them, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import LABELS, OUTLINES, REGRESSION, Floats, Ints, Metric


@dataclass(frozen=True)
class Scores:
    """What an arm predicted on every test row, and whose row it was.

    Build it with `Scores.of`, which checks. One row per test row and repeat.

    Attributes
    ----------
    y : (n,) array, or (n, L)
        Class codes 0..K-1, or values; of several labels 0 and 1, or NaN.
    p : (n, K) or (n,) array
        Class probabilities, or predicted values; of outlines, the metric's measure of each.
    group : (n,) int array
        Patients 0..G-1, the same code in every repeat.
    repeat : (n,) int array
        Repeats 0..R-1.
    fold : (n,) int array
        Within a repeat, rows scored by the same fitted model.
    weight : (n,) array
        What each row counts: a weight of 2 is a row that is there twice.
    """

    y: Any
    p: Floats
    group: Ints
    repeat: Ints
    fold: Ints
    weight: Floats

    @classmethod
    def of(
        cls,
        metric: Metric,
        y: ArrayLike,
        p: ArrayLike,
        *,
        group: ArrayLike | None = None,
        repeat: ArrayLike | None = None,
        fold: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Scores:
        """Check the arrays against each other and the metric, and number patients and repeats from 0.

        Raises
        ------
        MedgraftError
            Lengths differ, something is not finite, labels are not codes of the probabilities' columns, or
            there are several repeats but no patients to tie them together.
        """
        truth, guess = np.asarray(y), np.asarray(p, dtype=float)
        n = len(truth)
        if n == 0:
            raise MedgraftError("There are no test rows to judge: give at least one.")
        if metric.tasks in (REGRESSION, OUTLINES):
            truth = _values(metric, truth)
            guess = guess[:, 0] if guess.ndim == 2 and guess.shape[1] == 1 else guess
            if guess.shape != (n,):
                raise MedgraftError(
                    f"{metric.label} needs one predicted value for each of {n} rows, not shape {guess.shape}."
                )
        elif metric.tasks == LABELS:
            truth = _labels(metric, truth, guess)
        else:
            truth = _codes(metric, truth, guess)
        if not np.isfinite(guess).all():
            bad = int((~np.isfinite(guess.reshape(n, -1)).all(axis=1)).sum())
            raise MedgraftError(f"{bad} of {n} predictions are not finite: the arm that made them is broken.")
        if group is None and repeat is not None and len(np.unique(np.asarray(repeat))) > 1:
            raise MedgraftError("Several repeats need 'group', to know which rows are the same patient.")
        return cls(
            truth,
            guess,
            _numbered("group", np.arange(n) if group is None else group, n),
            _numbered("repeat", np.zeros(n) if repeat is None else repeat, n),
            _numbered("fold", np.zeros(n) if fold is None else fold, n),
            _weights(weight, n),
        )

    @property
    def n_groups(self) -> int:
        """Number of patients."""
        return int(self.group.max()) + 1

    def parts(self) -> list[Ints]:
        """Return the row numbers of each repeat."""
        return [np.flatnonzero(self.repeat == r) for r in range(int(self.repeat.max()) + 1)]

    def patients_per_class(self) -> Ints:
        """Return the number of patients in each class that is there; with each label, and without it."""
        if self.y.ndim == 2:
            told = [self.y == 1, self.y == 0]
            found = [len(np.unique(self.group[column])) for kind in told for column in kind.T if column.any()]
            return np.asarray(found, dtype=np.int64)
        pairs = np.unique(np.stack([self.y.astype(np.int64), self.group]), axis=1)
        return np.asarray(np.unique(pairs[0], return_counts=True)[1], dtype=np.int64)


def _values(metric: Metric, y: Any) -> Floats:
    try:
        truth = np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        raise MedgraftError(f"{metric.label} needs numbers as labels, not {y.dtype}.") from None
    if truth.ndim != 1 or not np.isfinite(truth).all():
        raise MedgraftError(f"{metric.label} needs one finite label per test row: drop the rows without.")
    return truth


def _labels(metric: Metric, y: Any, p: Floats) -> Floats:
    if y.ndim != 2 or p.shape != y.shape:
        raise MedgraftError(
            f"{metric.label} needs a probability for each label of each row: labels have shape {y.shape}, "
            f"probabilities {p.shape}."
        )
    truth = np.asarray(y, dtype=float)
    if not np.isin(truth[~np.isnan(truth)], (0.0, 1.0)).all():
        raise MedgraftError(f"{metric.label} needs labels that are 0, 1 or unknown (NaN).")
    return truth


def _codes(metric: Metric, y: Any, p: Floats) -> Ints:
    if p.ndim != 2 or p.shape[0] != len(y) or p.shape[1] < 2:
        raise MedgraftError(
            f"{metric.label} needs a probability per class for each of {len(y)} rows, not shape {p.shape}."
        )
    if y.ndim != 1 or y.dtype.kind not in "biuf" or not np.isin(y, np.arange(p.shape[1])).all():
        raise MedgraftError(
            f"{metric.label} needs class codes 0 to {p.shape[1] - 1} as labels of the test rows."
        )
    return np.asarray(y, dtype=np.int64)


def _weights(weight: ArrayLike | None, n: int) -> Floats:
    if weight is None:
        return np.ones(n)
    w = np.asarray(weight, dtype=float)
    if w.shape != (n,) or not np.isfinite(w).all() or not (w > 0).all():
        raise MedgraftError(f"'weight' must be one number above zero for each of {n} rows.")
    return w


def _numbered(name: str, values: ArrayLike, n: int) -> Ints:
    array = np.asarray(values)
    if array.shape != (n,):
        raise MedgraftError(f"'{name}' has shape {array.shape}, but there are {n} rows: give one per row.")
    return np.asarray(np.unique(array, return_inverse=True)[1], dtype=np.int64)
