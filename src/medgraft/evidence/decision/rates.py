"""Shares of rows, with intervals over patients: what sensitivity, PPV and their kin are made of."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from medgraft.base import MedgraftError
from medgraft.evidence.interval import Interval, check_level
from medgraft.evidence.metrics.base import Floats, Ints, metrics
from medgraft.evidence.scores import Scores
from medgraft.evidence.shares import wilson


def binary(y: ArrayLike, p: ArrayLike, group: ArrayLike | None = None) -> tuple[Ints, Floats, Ints]:
    """Return labels 0 and 1, the probability of 1 (from (n,) or (n, 2)) and patients 0..G-1, checked."""
    guess = np.asarray(p, dtype=float)
    if guess.ndim == 1:
        guess = np.stack([1 - guess, guess], axis=1)
    if guess.ndim != 2 or guess.shape[1] != 2:
        raise MedgraftError(
            f"Decisions need the probability of one event, (n,) or (n, 2), not shape {guess.shape}: "
            f"choose one class against the rest."
        )
    scores = Scores.of(metrics["brier"], y, guess, group=group)
    return np.asarray(scores.y, dtype=np.int64), scores.p[:, 1], scores.group


def rate(hit: NDArray[np.bool_], of: NDArray[np.bool_], group: Ints, level: float = 0.95) -> Interval:
    r"""Return the share of the rows `of` that are `hit`, with an interval over patients.

    Patient g has :math:`m_g` such rows, :math:`x_g` of them hit; :math:`\hat\pi = \sum x_g / \sum m_g`. Where
    each has one row, the interval is Wilson's. Otherwise it is Wilson's for as many independent rows as have
    the variance of the ratio (Rao and Scott 1992),

    .. math:: V = \frac{G}{G-1} \frac{\sum_g (x_g - \hat\pi m_g)^2}{(\sum_g m_g)^2},
              \qquad n_{eff} = \min(\hat\pi (1 - \hat\pi) / V, \textstyle\sum m_g)

    and Student's t of G - 1 degrees of freedom stands in place of z, since V is estimated (the interval
    depends on :math:`z^2 / n` alone, so that n is made smaller instead). Where all are hit, or none, V tells
    nothing, and the patients are counted.

    Use it for shares of rows that are decided row by row. Not for the AUROC and its kin: see
    `medgraft.evidence.interval`.

    Parameters
    ----------
    hit, of : (n,) bool array
        What is counted, and among which rows.
    group : (n,) int array
        Patients.
    level : float
        Nominal coverage.

    Returns
    -------
    Interval
        nan with a note where there is no such row, or one patient with several.

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953. Rao and Scott 1992, doi:10.2307/2532311.

    Examples
    --------
    >>> import numpy as np
    >>> hit = np.arange(10) < 8
    >>> round(rate(hit, np.ones(10, dtype=bool), np.arange(10)).lo, 3)
    0.49
    """
    check_level(level)
    _, patient = np.unique(group[of], return_inverse=True)
    n = len(patient)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, level, "There is no such row.")
    m = np.bincount(patient).astype(float)
    x = np.bincount(patient, weights=hit[of])
    value, patients = float(x.sum() / n), len(m)
    if patients == n:
        return Interval(value, *wilson(float(x.sum()), n, level), level)
    if patients == 1:
        return Interval(value, math.nan, math.nan, level, "One patient allows no interval.")
    if value in (0.0, 1.0):
        return Interval(value, *wilson(value * patients, patients, level), level)
    variance = patients / (patients - 1) * ((x - value * m) ** 2).sum() / n**2
    effective = min(value * (1 - value) / variance, n) if variance > 0 else float(n)
    effective *= float((ndtri((1 - level) / 2) / stdtrit(patients - 1, (1 - level) / 2)) ** 2)
    return Interval(value, *wilson(value * effective, effective, level), level)


def ratio_of_rates(
    hit: NDArray[np.bool_], among: NDArray[np.bool_], against: NDArray[np.bool_], group: Ints, level: float
) -> Interval:
    r"""Return the ratio of two rates, :math:`R = \pi_1 / \pi_0`, with the interval of its logarithm.

    The logarithm has the influence :math:`u_i = [i \in 1](h_i - \pi_1) / (\pi_1 n_1) - [i \in 0](h_i -
    \pi_0) / (\pi_0 n_0)` on row i; summed within patients, :math:`V = \sum_g (\sum_{i \in g} u_i)^2`. With
    one row a patient V is the usual :math:`1/x_1 - 1/n_1 + 1/x_0 - 1/n_0` (Simel et al. 1991,
    doi:10.1016/0895-4356(91)90128-V). Where nobody is hit on one side the ratio is 0 or infinite, and the
    interval that of half a hit more, over patients, on both sides.
    """
    sides = [(among, hit[among].sum(), among.sum()), (against, hit[against].sum(), against.sum())]
    if any(n == 0 for _, _, n in sides):
        return Interval(math.nan, math.nan, math.nan, level, "Rows of one kind are missing.")
    z = float(-ndtri((1 - level) / 2))
    (_, x1, n1), (_, x0, n0) = sides
    if x1 == 0 or x0 == 0:
        value = math.nan if x1 == x0 else (math.inf if x0 == 0 else 0.0)
        people = [float(len(np.unique(group[rows]))) for rows, _, _ in sides]
        (a, b), (c, d) = ((x / n * m + 0.5, m + 0.5) for (_, x, n), m in zip(sides, people, strict=True))
        middle, half = math.log(a / b / (c / d)), z * math.sqrt(1 / a - 1 / b + 1 / c - 1 / d)
        ends = [math.exp(middle - half), math.exp(middle + half)]
        lo, hi = (0.0 if value == 0 else ends[0]), (math.inf if value == math.inf else ends[1])
        return Interval(value, lo, hi, level, "A cell is empty: half a patient was added for the interval.")
    influence = np.zeros(len(hit))
    for sign, (rows, x, n) in zip((1.0, -1.0), sides, strict=True):
        influence[rows] += sign * (hit[rows] - x / n) / x
    half = z * math.sqrt(float((np.bincount(group, weights=influence) ** 2).sum()))
    value = float((x1 / n1) / (x0 / n0))
    return Interval(value, value * math.exp(-half), value * math.exp(half), level)
