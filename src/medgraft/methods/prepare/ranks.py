"""Ranks under weights, and how strongly they hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.splits import Floats


def ranks(Z: Floats, weight: Floats) -> Floats:
    """Return the mid-ranks of each column (n, p); for integer weights, those of the repeated values less 1/2.

    Examples
    --------
    >>> ranks(np.array([[5.0], [7.0], [7.0], [9.0]]), np.array([1.0, 1.0, 1.0, 2.0]))[:, 0].tolist()
    [0.5, 2.0, 2.0, 4.0]
    """
    order = np.argsort(Z, axis=0, kind="stable")
    S, w = np.take_along_axis(Z, order, axis=0), weight[order]
    total = np.cumsum(w, axis=0)
    new = np.ones(S.shape, dtype=bool)
    new[1:] = S[1:] != S[:-1]
    last = np.ones(S.shape, dtype=bool)
    last[:-1] = new[1:]
    before = np.maximum.accumulate(np.where(new, total - w, -np.inf), axis=0)
    until = np.minimum.accumulate(np.where(last, total, np.inf)[::-1], axis=0)[::-1]
    out = np.empty(S.shape)
    np.put_along_axis(out, order, (before + until) / 2, axis=0)
    return out


def standard_ranks(Z: Floats, weight: Floats) -> Floats:
    """Return ranks with weighted mean 0 and sum of squares 1; zeros in a column of one value.

    The product of two such columns, ``(R * weight[:, None]).T @ R``, is Spearman's correlation.
    """
    R = ranks(Z, weight)
    share = weight / weight.sum()
    R = R - share @ R
    size = np.sqrt(weight @ R**2)
    tiny = 1e-9 * weight.sum() ** 1.5  # of the size of all ranks
    return np.asarray(np.divide(R, size, out=np.zeros_like(R), where=size > tiny))


def relevance(R: Floats, y: NDArray[np.generic], weight: Floats, k: int) -> Floats:
    r"""Return how strongly each column of standard ranks hangs together with the label (p,), from 0 to 1.

    For values :math:`|\rho|` of Spearman; for classes the correlation ratio of the ranks,
    :math:`\sqrt{H / (n - 1)}` with the H of Kruskal and Wallis, which for two classes is :math:`|\rho|` too.

    Parameters
    ----------
    R : array (n, p)
        From `standard_ranks`.
    y : array (n,)
        Class codes 0 to k-1, or values.
    weight : array (n,)
    k : int
        Number of classes; 0 for values.
    """
    if k:
        total = np.bincount(y.astype(np.intp), weight, minlength=k)
        sums = (np.eye(k)[y.astype(np.intp)] * weight[:, None]).T @ R
        found = np.sqrt((sums**2 / total[:, None]).sum(axis=0))
    else:
        label = standard_ranks(np.asarray(y, dtype=np.float64)[:, None], weight)[:, 0]
        found = np.abs((label * weight) @ R)
    return np.round(found, 9)  # so that rounding makes no tie an order
