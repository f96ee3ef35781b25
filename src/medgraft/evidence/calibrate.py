"""Calibration: do events happen as often as predicted?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.calibration.events import check_bins
from medgraft.evidence.metrics.base import Floats, metrics
from medgraft.evidence.metrics.calibration import calibration_error, confidence, row_bins
from medgraft.evidence.scores import Scores
from medgraft.evidence.shares import wilson


def _checked(y: ArrayLike, p: ArrayLike, bins: int) -> tuple[Floats, Floats]:
    check_bins(bins)
    guess = np.asarray(p, dtype=float)
    if guess.ndim == 1:
        guess = np.stack([1 - guess, guess], axis=1)
    scores = Scores.of(metrics["ece"], y, guess)
    return confidence(scores.y, scores.p)


def ece(y: ArrayLike, p: ArrayLike, bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal mass; see the metric "ece".

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    bins : int
        How many.

    Examples
    --------
    >>> ece([0, 1, 0, 1], [0.0, 0.5, 0.5, 1.0], bins=2)
    0.0
    """
    predicted, happened = _checked(y, p, bins)
    return float(calibration_error(predicted, happened, np.ones((1, len(predicted))), bins)[0])


def reliability(
    y: ArrayLike, p: ArrayLike, bins: int = 10, *, group: ArrayLike | None = None, level: float = 0.95
) -> dict[str, Any]:
    """Return the points of a calibration curve, with Wilson intervals.

    Bins hold equal numbers of rows, and rows of equal probability share a bin; empty bins are left out. For
    more than two classes the curve is that of the most probable class being right.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    bins : int
        How many, at most.
    group : (n,) array, default every row its own
        Patients: the interval of a bin counts its patients, not their repeated rows.
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        "bins": list of {"n", "patients", "predicted", "observed", "lo", "hi"}; "ece"; "n"; "of" says what is
        predicted, "event" or "top class".

    Examples
    --------
    >>> reliability([0, 1], [0.2, 0.9], bins=2)["bins"][1]["predicted"]
    0.9
    """
    predicted, happened = _checked(y, p, bins)
    who = np.arange(len(predicted)) if group is None else np.asarray(group)
    if who.shape != predicted.shape:
        raise MedgraftError(f"'group' has shape {who.shape}, but there are {len(predicted)} rows.")
    where = row_bins(predicted, bins)
    points = []
    for b in range(int(where.max()) + 1):
        rows = where == b
        patients, observed = len(np.unique(who[rows])), float(happened[rows].mean())
        lo, hi = wilson(observed * patients, patients, level)
        points.append(
            {
                "n": int(rows.sum()),
                "patients": patients,
                "predicted": float(predicted[rows].mean()),
                "observed": observed,
                "lo": lo,
                "hi": hi,
            }
        )
    of = "top class" if np.ndim(p) == 2 and np.shape(p)[1] > 2 else "event"
    return {"bins": points, "ece": ece(y, p, bins), "n": len(predicted), "of": of}
