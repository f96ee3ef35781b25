"""Weights that are not negative and sum to one, for many small quadratic problems at once."""

from __future__ import annotations

import numpy as np

from medgraft.methods.splits import Floats

TINY = 1e-10


def simplex_weights(R: Floats) -> Floats:
    r"""Return for each matrix the weights that minimise :math:`w^\top R w`, :math:`w \ge 0, \sum w = 1`.

    It is the active-set method, all problems in step: go to the minimum among the free weights, stop where
    one would turn negative and fix it at zero; at a minimum, free the fixed weight that would lower the value
    most. A ridge of 1e-10 of the mean diagonal makes the answer unique.

    Parameters
    ----------
    R : array (n, m, m)
        Symmetric, without negative eigenvalues.

    Returns
    -------
    array (n, m)

    Notes
    -----
    Cost O(n m^4) at worst, in practice O(n m^3).

    Examples
    --------
    >>> simplex_weights(np.diag([1.0, 3.0])[None]).round(6).tolist()
    [[0.75, 0.25]]
    """
    n, m, _ = R.shape
    scale = np.trace(R, axis1=1, axis2=2) / m
    A = R / np.where(scale > 0, scale, 1.0)[:, None, None] + TINY * np.eye(m)
    out = np.full((n, m), 1.0 / m)
    live, w, free = np.arange(n), out.copy(), np.ones((n, m), dtype=bool)
    for _ in range(50 * m):
        aim = _minimum(A, free)
        # Go as far towards it as no weight turns negative.
        falls = free & (aim < 0)
        length = np.where(falls, w / np.where(falls, w - aim, 1.0), np.inf)
        first = length.min(axis=1)
        stopped = first < 1.0
        w = np.where(stopped[:, None], w + np.minimum(first, 1.0)[:, None] * (aim - w), aim)
        hit = stopped[:, None] & (length <= first[:, None])
        free, w = free & ~hit, np.where(hit | ~free, 0.0, w)
        slope = np.einsum("nij,nj->ni", A, w)
        level = (slope * w).sum(axis=1, keepdims=True)
        gain = np.where(free, 0.0, level - slope)
        best = gain.argmax(axis=1)
        more = ~stopped & (gain[np.arange(len(w)), best] > 1e-9 * np.abs(level[:, 0]))
        free[more, best[more]] = True
        done = ~stopped & ~more
        out[live] = w
        if done.all():
            break
        live, w, free, A = live[~done], w[~done], free[~done], A[~done]
    return out


def _minimum(A: Floats, free: np.ndarray) -> Floats:
    """Weights (n, m) of least value that sum to one over the free ones, of either sign."""
    both = free[:, :, None] & free[:, None, :]
    B = np.where(both, A, np.eye(A.shape[1]))
    raw = np.linalg.solve(B, free[:, :, None].astype(float))[:, :, 0]
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))
