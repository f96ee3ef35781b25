"""Differences from the intervals of their two sides."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from medgraft.evidence.interval import Interval


def mover(a: Interval, b: Interval, correlation: float = 0.0) -> Interval:
    r"""Return a - b with the interval that follows from theirs (MOVER).

    Each side's distance from value to limit stands for its standard error in that direction, so that the
    difference of two lopsided intervals is lopsided as it should be, and exact limits at 0 and 1 keep their
    meaning:

    .. math:: l = a - b - \sqrt{(a - l_a)^2 + (u_b - b)^2 - 2 r (a - l_a)(u_b - b)}

    and the upper end likewise. r is the correlation of the two estimates; 0 for different patients. With
    Wilson's intervals it is Newcombe's method 10.

    References
    ----------
    Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I. Zou and Donner 2008,
    doi:10.1002/sim.3095.

    Examples
    --------
    >>> got = mover(Interval(0.8, 0.7, 0.9), Interval(0.5, 0.3, 0.6))
    >>> round(got.value, 3), round(got.lo, 3), round(got.hi, 3)
    (0.3, 0.159, 0.524)
    """

    def reach(x: float, z: float) -> float:
        return math.sqrt(max(x * x + z * z - 2 * correlation * x * z, 0.0))

    value = a.value - b.value
    low, high = reach(a.value - a.lo, b.hi - b.value), reach(a.hi - a.value, b.value - b.lo)
    return Interval(value, value - low, value + high, a.level)


def p_value(x: Interval) -> float:
    """Return the two-sided p-value of "the truth is 0" that fits an interval.

    The half of the interval on the side of zero stands for z standard errors, so that p falls below
    1 - level exactly where zero is left out. 1 where nothing is known.

    Examples
    --------
    >>> round(p_value(Interval(1.0, 0.0, 2.0, 0.95)), 6)
    0.05
    """
    half = x.value - x.lo if x.value > 0 else x.hi - x.value
    if x.value == 0 or not math.isfinite(half):
        return 1.0
    if half <= 0:
        return 0.0
    return float(2 * ndtr(-abs(x.value) / half * ndtri((1 + x.level) / 2)))
