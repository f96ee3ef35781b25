"""Shares of independent rows with score intervals, and the mean of several."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    r"""Return Wilson's score interval of a share.

    The shares :math:`\pi` with :math:`|\hat\pi - \pi| \le z \sqrt{\pi (1 - \pi) / n}`; it stays within 0 and
    1, and works at both ends. Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(8, 10)]
    [0.49, 0.943]
    """
    z = float(ndtri((1 + level) / 2))
    share, unit = successes / n, z * z / n
    middle = (share + unit / 2) / (1 + unit)
    half = z * math.sqrt(share * (1 - share) / n + unit / n / 4) / (1 + unit)
    return 0.0 if successes == 0 else middle - half, 1.0 if successes == n else middle + half


def mean_share(successes: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    r"""Return the interval of the plain mean of K independent shares, :math:`\frac1K \sum_k \pi_k`.

    Use it for balanced accuracy, whose rarest class may have very few patients: of six, the share recognised
    takes seven values, and a bootstrap takes those that are all right for certain to be right. Not for rows
    that are not independent: several of a patient, or the same in several repeats. Nor for more than a few
    shares: Wilson's limits lean towards one half, the leanings add up while the sides add as squares, and
    with seven classes of ten patients near 1 the upper end is too low (95 % cover 86 %). `interval` uses it
    for two.

    With Wilson's interval :math:`[l_k, u_k]` of each share (MOVER),

    .. math:: \bar\pi - \frac1K \sqrt{\textstyle\sum_k (\hat\pi_k - l_k)^2} ,\qquad
              \bar\pi + \frac1K \sqrt{\textstyle\sum_k (u_k - \hat\pi_k)^2} .

    Parameters
    ----------
    successes, n : (K,) array
        Of how many rows each share is, and how many of them count.
    level : float
        Nominal coverage.

    References
    ----------
    Zou, Huang and Zhang 2009, doi:10.1016/j.csda.2008.09.033.

    Examples
    --------
    >>> [round(end, 3) for end in mean_share([4, 40], [6, 44])]
    [0.595, 0.909]
    """
    x, of = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    share = x / of
    lo, hi = np.array([wilson(a, b, level) for a, b in zip(x, of, strict=True)]).T
    below, above = (float(np.sqrt((side**2).sum())) / len(x) for side in (share - lo, hi - share))
    return float(share.mean()) - below, float(share.mean()) + above
