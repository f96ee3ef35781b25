"""Calibration error as a metric: do events happen as often as predicted?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from medgraft.evidence.metrics.base import CLASSES, Floats, Ints, metric, share
from medgraft.evidence.metrics.classification import probabilities

# Above so many distinct predictions the smooth curve is computed at some of them and drawn through.
POINTS = 32


def confidence(y: Floats | Ints, p: Floats) -> tuple[Floats, Floats]:
    """Return what was predicted and what happened: the event if binary, else the top class being right."""
    return top_class(y, p) if p.shape[1] != 2 else (p[:, 1], (np.asarray(y) == 1).astype(float))


def top_class(y: Floats | Ints, p: Floats) -> tuple[Floats, Floats]:
    """Return the probability of the most probable class, and whether it was the true one."""
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


def row_bins(predicted: Floats, bins: int) -> Ints:
    """Return the equal-mass bin of each row, numbered from 0 without gaps."""
    _, tie, size = np.unique(predicted, return_inverse=True, return_counts=True)
    where = equal_mass_bins(size[:, None].astype(float), bins)[tie, 0]
    return np.asarray(np.unique(where, return_inverse=True)[1], dtype=np.int64)


def bin_sums(predicted: Floats, columns: Sequence[Floats], w: Floats, bins: int) -> list[Floats]:
    """Return the weight in each equal-mass bin, and the weighted sum of each column, all (bins, B)."""
    order = np.argsort(predicted, kind="stable")
    starts = np.flatnonzero(np.diff(predicted[order], prepend=-np.inf))
    wt = w.T[order]
    mass = np.add.reduceat(wt, starts, axis=0)
    cell = (equal_mass_bins(mass, bins) * len(w) + np.arange(len(w))).ravel()
    sums = [mass, *(np.add.reduceat(wt * c[order, None], starts, axis=0) for c in columns)]
    size = bins * len(w)
    totals = (np.bincount(cell, weights=s.ravel(), minlength=size) for s in sums)
    return [t.astype(float, copy=False).reshape(bins, -1) for t in totals]


def calibration_error(predicted: Floats, happened: Floats, w: Floats, bins: int) -> Floats:
    """Return the gap per equal-mass bin, averaged by weight, for each weight vector in `w` (B, n)."""
    mass, gap = bin_sums(predicted, [happened - predicted], w, bins)
    return share(np.abs(gap).sum(axis=0), mass.sum(axis=0))


@metric(
    "ece",
    tasks=CLASSES,
    better="lower",
    label="Calibration error",
    view=probabilities,
    meaning=(
        "How far predicted probabilities are from observed frequencies, on average: with 0.05, events"
        " predicted at 30 % may happen in 25 % or 35 %."
    ),
)
def ece(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Expected calibration error over ten bins of equal mass.

    .. math:: \sum_{b=1}^{10} \Bigl|\sum_{i \in b} w_i (o_i - c_i)\Bigr| / \sum_i w_i

    with c the predicted probability and o what happened: of the event if binary; else of the most probable
    class and whether it was right. It is positive even for a perfectly calibrated model, the more so the
    fewer rows a bin holds: compare arms on the same rows, and do not read it as an absolute.
    """
    return calibration_error(*confidence(y, p), w, bins=10)


def loess(x: Floats, y: Floats, w: Floats, at: Floats, span: float = 0.75) -> Floats:
    r"""Return the local line through (x, y), evaluated at the points `at`, for each weight vector: (m, B).

    At a point a the line of least squares with weights :math:`w_i (1 - |x_i - a|^3 / h^3)_+^3`, where h is
    the smallest radius that holds the share `span` of all weight; where such a window holds one value of x
    only, the mean; where all its weight lies at its ends, the line with the weights alone. Without robustness
    steps. `x` (n,) and `at` (m,), `y` (n,), `w` (B, n).
    """
    values, tie = np.unique(x, return_inverse=True)
    order = np.argsort(tie, kind="stable")
    starts = np.flatnonzero(np.diff(tie[order], prepend=-1))
    mass = np.add.reduceat(w.T[order], starts, axis=0)
    total = np.add.reduceat(w.T[order] * y[order, None], starts, axis=0)
    wanted = span * mass.sum(axis=0) * (1 - 1e-12)
    out = np.full((len(at), len(w)), np.nan)
    for j, a in enumerate(at):
        shift = values - a
        distance = np.abs(shift)
        near = np.argsort(distance, kind="stable")
        within = np.cumsum(mass[near], axis=0) < wanted
        h = distance[near][np.minimum(within.sum(axis=0), len(values) - 1)]
        u = distance[:, None] / np.where(h > 0, h, 1.0)
        kernel = 1 - u * u * u
        np.maximum(kernel, 0.0, out=kernel)
        kernel = np.where(h > 0, kernel * kernel * kernel, distance[:, None] == 0)
        inside = (kernel * mass).sum(axis=0)  # the kernel is 0 at the ends, where all weight may lie
        kernel = np.where(inside <= 1e-9 * wanted, u <= 1 + 1e-12, kernel)
        k, t = kernel * mass, kernel * total
        s0, s1, s2 = k.sum(axis=0), shift @ k, (shift * shift) @ k
        t0, t1 = t.sum(axis=0), shift @ t
        spread = s0 * s2 - s1 * s1
        flat = spread <= 1e-10 * s0 * s0 * h * h
        line = (s2 * t0 - s1 * t1) / np.where(flat, 1.0, spread)
        out[j] = np.where(flat, share(t0, s0), line)
    return out


def smooth_gaps(
    predicted: Floats,
    happened: Floats,
    w: Floats,
    span: float = 0.75,
    guide: Callable[[Floats], Floats] = np.zeros_like,
) -> tuple[Floats, Floats]:
    """Return how far the smooth curve is from each distinct prediction, and the weight there, both (g, B).

    The curve is a first guess, `guide`, and the local line through what it leaves.
    """
    used = w.any(axis=0)
    if used.any() and not used.all():  # a row that counts nothing has no say in where the curve is computed
        predicted, happened, w = predicted[used], happened[used], w[:, used]
    values, tie = np.unique(predicted, return_inverse=True)
    g = len(values)
    pick = np.arange(g) if g <= POINTS else np.linspace(0, g - 1, POINTS).round().astype(np.int64)
    curve = loess(predicted, happened - guide(predicted), w, values[pick], span)
    if g > POINTS:
        right = np.clip(np.searchsorted(values[pick], values), 1, POINTS - 1)
        low, high = values[pick][right - 1], values[pick][right]
        part = ((values - low) / (high - low))[:, None]
        curve = (1 - part) * curve[right - 1] + part * curve[right]
    mass = np.zeros((g, len(w)))
    np.add.at(mass, tie, w.T)
    return np.abs(np.clip(curve + guide(values)[:, None], 0.0, 1.0) - values[:, None]), mass


@metric(
    "ici",
    tasks=CLASSES,
    better="lower",
    label="Integrated calibration index",
    view=probabilities,
    meaning=(
        "The distance of the predicted probabilities from a smooth curve of what was observed, on average "
        "over patients; 0 is perfect."
    ),
)
def ici(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean distance of the predictions from a smooth calibration curve.

    .. math:: \sum_i w_i |\hat o(c_i) - c_i| / \sum_i w_i

    with :math:`\hat o` the local line (`loess`, three quarters of the weight in a window) through what
    happened, kept between 0 and 1, and c and o as in `ece`. No bins to choose; but like `ece` it is positive
    for a perfectly calibrated model too. Above 32 distinct predictions the curve is computed at 32 of them,
    evenly spaced among them, and straight between. Austin and Steyerberg 2019, doi:10.1002/sim.8281.
    """
    return smooth_mean(*smooth_gaps(*confidence(y, p), w))


def smooth_mean(gap: Floats, mass: Floats) -> Floats:
    """Return the mean distance (B,) from what `smooth_gaps` returns."""
    return share((gap * mass).sum(axis=0), mass.sum(axis=0))
