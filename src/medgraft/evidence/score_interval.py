"""The score interval of a mean whose rows take few known values: shares, net benefit, paired shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medgraft.evidence.metrics.base import Floats

STEPS = 60  # halvings: the ends are exact to rounding


def score_interval(worth: ArrayLike, count: ArrayLike, z: float) -> tuple[Floats, Floats]:
    r"""Return the score interval of :math:`\theta = \sum_k \pi_k g_k`, of a multinomial with known values g.

    Use it where each row adds one of a few values that are known beforehand, such as 1 for an event found and
    -t/(1-t) for a false alarm, and the mean is what matters: unlike a bootstrap it knows of values that
    nobody happened to have. Not where the values are not known beforehand, nor for rows that are not
    independent: divide `count` by a design effect first.

    The ends are the :math:`\delta` at which the score test of :math:`\theta = \delta` is at its critical
    value,

    .. math:: \frac{n (\hat\theta - \delta)^2}{\sum_k \tilde\pi_k (g_k - \delta)^2} = z^2

    with :math:`\tilde\pi` the likeliest shares of mean :math:`\delta`. They are
    :math:`\tilde\pi_k = x_k / (n + \lambda (g_k - \delta))`, for which the left side is
    :math:`\lambda (\hat\theta - \delta)`; so at an end :math:`\lambda = z^2 / (\hat\theta - \delta)`, and

    .. math:: \sum_k \frac{x_k (g_k - \delta)}{n (\hat\theta - \delta) + z^2 (g_k - \delta)} = 0

    is solved beyond :math:`(n \hat\theta + z^2 g^*) / (n + z^2)`, which is itself the end where nobody had
    the extreme value :math:`g^*`, and the likeliest shares give some of it to unseen patients.

    Of the values 0 and 1 it is Wilson's interval, of -1, 0 and 1 Tango's of two paired shares.

    Parameters
    ----------
    worth : (..., K) array
        g, all values that a row can have.
    count : (..., K) array
        x, how many rows have each; not whole numbers where they were divided by a design effect.
    z : float
        Standard errors to either side: 1.96 for 95 %.

    Returns
    -------
    (...) arrays
        Lower and upper ends.

    Notes
    -----
    Cost: 60 evaluations of the equation for either end.

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953. Tango 1998, Statistics in Medicine 17, 891-908.

    Examples
    --------
    >>> lo, hi = score_interval([1, 0], [8, 2], 1.96)  # Wilson's interval of 8 in 10
    >>> round(float(lo), 3), round(float(hi), 3)
    (0.49, 0.943)
    """
    g, x = np.broadcast_arrays(np.asarray(worth, dtype=float), np.asarray(count, dtype=float))
    return 0.0 - _upper(-g, x, z * z), _upper(g, x, z * z)  # not -x, which makes a -0.0 of 0


def _upper(g: Floats, x: Floats, z2: float) -> Floats:
    n = x.sum(axis=-1)
    value = (x * g).sum(axis=-1) / n
    top = g.max(axis=-1)
    low, high = (n * value + z2 * top) / (n + z2), top
    for _ in range(STEPS):
        middle = (low + high) / 2
        off = g - middle[..., None]
        below = (n * (value - middle))[..., None] + z2 * off
        # Where the ends have met, 0/0 says nothing, and nothing is left to be moved.
        slope = np.divide(x * off, below, out=np.zeros_like(off), where=below < 0).sum(axis=-1)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    return np.asarray(low)[()]  # a number, of one mean
