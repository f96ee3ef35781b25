"""Levenberg and Marquardt's method for sums of squares, with blocks of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from medgraft.methods.splits import Floats

START, LOWEST, HIGHEST = 1e-3, 1e-12, 1e10
FACTOR = 10.0


def lm_step(JJ: Floats, g: Floats, damping: float) -> Floats:
    r"""Solve :math:`(J^\top J + \mu I) d = J^\top r` by Cholesky's factors.

    Parameters
    ----------
    JJ : array (P, P)
        :math:`J^\top J`.
    g : array (P,)
        :math:`J^\top r`.
    damping : float
        :math:`\mu > 0`.

    Examples
    --------
    >>> lm_step(np.eye(2), np.array([2.0, 4.0]), 1.0).round(9).tolist()
    [1.0, 2.0]
    """
    return np.asarray(cho_solve(cho_factor(JJ + damping * np.eye(len(g)), lower=True), g))


def minimise_squares(
    normal: Callable[[Floats], tuple[float, Floats, Floats]],
    cost: Callable[[Floats], float],
    start: Floats,
    *,
    steps: int = 100,
    tol: float = 1e-10,
    watch: Callable[[Floats], bool] | None = None,
) -> Floats:
    """Minimise a sum of squares; the damping falls tenfold after a step that helps, else rises tenfold.

    Parameters
    ----------
    normal : callable
        From parameters to (cost, J'J, J'r), the cost being half the sum of squared residuals r.
    cost : callable
        From parameters to the cost alone.
    start : array (P,)
    steps : int
        Most accepted steps.
    tol : float
        Ends where the largest element of J'r is at most this.
    watch : callable, optional
        Called with the parameters after each accepted step; true ends the search.

    Returns
    -------
    array (P,)

    References
    ----------
    Levenberg 1944 (doi:10.1090/qam/10666); Marquardt 1963 (doi:10.1137/0111030).

    Examples
    --------
    >>> J, y = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 3.0, 5.0])
    >>> half = lambda v: 0.5 * float(((J @ v - y) ** 2).sum())
    >>> found = minimise_squares(lambda v: (half(v), J.T @ J, J.T @ (J @ v - y)), half, np.zeros(2))
    >>> found.round(6).tolist()
    [1.0, 2.0]
    """
    v, damping = np.asarray(start, dtype=np.float64), START
    for _ in range(steps):
        now, JJ, g = normal(v)
        if np.abs(g).max() <= tol:
            break
        while damping <= HIGHEST:
            after = v - lm_step(JJ, g, damping)
            if cost(after) < now:
                break
            damping *= FACTOR
        else:
            break
        v, damping = after, max(damping / FACTOR, LOWEST)
        if watch is not None and watch(v):
            break
    return v
