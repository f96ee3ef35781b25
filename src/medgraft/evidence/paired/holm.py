"""P-values of several arms, adjusted for being several."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import Floats
from medgraft.evidence.paired.difference import column


def holm(p_values: ArrayLike) -> Floats:
    r"""Adjust p-values so that, below 5 %, not one false one is expected more often than in 5 % of trials.

    Use it for all arms that were compared with one control, those included that nobody speaks of any more.
    Not for a single comparison that was fixed beforehand.

    With the m p-values in order, :math:`p_{(1)} \le \dots \le p_{(m)}`,

    .. math:: \tilde p_{(i)} = \min\bigl(1, \max_{j \le i}\, (m - j + 1)\, p_{(j)}\bigr)

    The chance of any false rejection is held whatever the dependence of the arms and however many of them
    do differ; never worse than Bonferroni's.

    Parameters
    ----------
    p_values : (m,) array

    Returns
    -------
    (m,) array
        In the order given.

    Raises
    ------
    MedgraftError
        One is not between 0 and 1; leave out arms for which there is no test.

    Notes
    -----
    Cost O(m log m).

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = column("p_values", p_values)
    if ((p < 0) | (p > 1)).any():
        raise MedgraftError("P-values lie between 0 and 1: leave out arms for which there is no test.")
    order = np.argsort(p, kind="stable")
    stepped = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    out = np.empty_like(p)
    out[order] = stepped
    return out
