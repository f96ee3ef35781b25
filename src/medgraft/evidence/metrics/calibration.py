"""Calibration error as a metric: do events happen as often as predicted?"""

from __future__ import annotations

import numpy as np

from medgraft.evidence.metrics.base import CLASSES, Floats, Ints, metric, share
from medgraft.evidence.metrics.classification import probabilities


def confidence(y: Floats | Ints, p: Floats) -> tuple[Floats, Floats]:
    """Return what was predicted and what happened: the event if binary, else the top class being right."""
    if p.shape[1] == 2:
        return p[:, 1], (np.asarray(y) == 1).astype(float)
    return p.max(axis=1), (p.argmax(axis=1) == y).astype(float)


def equal_mass_bins(mass: Floats, bins: int) -> Ints:
    """Return the bin, 0..bins-1, of each row of `mass` (g, B): sorted groups of ties and their weights.

    A group goes where the middle of its weight falls, so ties are never torn apart, and copies of a row do
    what its weight does.
    """
    total = np.cumsum(mass, axis=0)
    whole = np.where(total[-1] > 0, 2 * total[-1], 1.0)
    middle = total  # in place from here on: this is the slow part of the bootstrap
    middle *= 2
    middle -= mass
    middle *= bins  # multiplied before dividing: exact for integer weights
    middle /= whole
    where = middle.astype(np.int64)
    return np.minimum(where, bins - 1, out=where)


def calibration_error(predicted: Floats, happened: Floats, w: Floats, bins: int) -> Floats:
    """Return the gap per equal-mass bin, averaged by weight, for each weight vector in `w` (B, n)."""
    order = np.argsort(predicted, kind="stable")
    starts = np.flatnonzero(np.diff(predicted[order], prepend=-np.inf))
    wt = w.T[order]
    mass = np.add.reduceat(wt, starts, axis=0)
    gap = np.add.reduceat(wt * (happened - predicted)[order, None], starts, axis=0)
    cell = equal_mass_bins(mass, bins) * len(w) + np.arange(len(w))
    per_bin = np.bincount(cell.ravel(), weights=gap.ravel(), minlength=bins * len(w)).reshape(bins, -1)
    return share(np.abs(per_bin).sum(axis=0), mass.sum(axis=0))


@metric("ece", tasks=CLASSES, better="lower", label="Calibration error", view=probabilities)
def ece(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Expected calibration error over ten bins of equal mass.

    .. math:: \sum_{b=1}^{10} \Bigl|\sum_{i \in b} w_i (o_i - c_i)\Bigr| / \sum_i w_i

    with c the predicted probability and o what happened: of the event if binary; else of the most probable
    class and whether it was right. It is positive even for a perfectly calibrated model, the more so the
    fewer rows a bin holds: compare arms on the same rows, and do not read it as an absolute.
    """
    return calibration_error(*confidence(y, p), w, bins=10)
