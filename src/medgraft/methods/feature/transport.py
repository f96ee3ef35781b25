"""Entropic optimal transport between weighted points, with a penalty that keeps classes apart."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from medgraft.methods.splits import Floats, Ints

LIMIT = 30.0  # logarithm of the scalings at which they move into the potentials
LEAST = 1e-3  # epsilon: share below which a class costs nothing more by having less


def sinkhorn(
    a: Floats, b: Floats, C: Floats, reg: float, start: Floats | None = None, tol: float = 1e-9
) -> tuple[Floats, Floats]:
    r"""Solve :math:`\min_T \langle T, C\rangle + r \sum T (\log T - 1)` with row sums a and column sums b.

    The scalings of Sinkhorn's iteration move into the potentials before they overflow, so that a small r
    costs iterations and never digits.

    Parameters
    ----------
    a, b : arrays (n,), (m,)
        Positive, of equal sum.
    C : array (n, m)
        Costs.
    reg : float
        r > 0.
    start : array (m,), optional
        Potential g of an earlier answer.
    tol : float
        Largest sum of deviations from the row sums, relative to their sum.

    Returns
    -------
    T : array (n, m)
    g : array (m,)
        Potential of the columns.
    """
    g = np.zeros(len(b)) if start is None else start.copy()
    loga = np.log(a)
    done = 0
    while True:
        # Straight from the definition: after it every row of K has its mass, whatever g is.
        f = reg * (loga - logsumexp((g - C) / reg, axis=1))
        K = np.exp((f[:, None] + g - C) / reg)
        v = np.ones(len(b))
        while True:
            v = b / np.maximum(K.T @ (a / (K @ v)), 1e-300)
            done += 1
            if np.abs(np.log(v)).max() > LIMIT or done >= 10_000:
                break
            if done % 10 == 0 and _off(K, v, a, b) < tol:
                break
        g = g + reg * np.log(v)
        if done >= 10_000 or _off(K, v, a, b) < tol:
            break
    f = reg * (loga - logsumexp((g - C) / reg, axis=1))
    return np.exp((f[:, None] + g - C) / reg), g


def _off(K: Floats, v: Floats, a: Floats, b: Floats) -> float:
    """How far the columns are from b once the rows are right."""
    return float(np.abs((K * v).T @ (a / (K @ v)) - b).sum() / b.sum())


def grouped(
    a: Floats, b: Floats, C: Floats, group: Ints, reg: float, penalty: float, most: int = 10
) -> Floats:
    r"""Add :math:`\eta \sum_{j,c} b_j \sqrt{s_{cj} + \epsilon}` to the problem of `sinkhorn`.

    :math:`s_{cj} = \sum_{i \in I_c} T_{ij} / b_j` is the share of column j that comes from class c. The root
    is concave, so that one class costs less than two; each round replaces it by its tangent, which lies
    above, and solves by Sinkhorn, so that the objective never rises.

    Parameters
    ----------
    a, b, C, reg
        See `sinkhorn`.
    group : array (n,) of int
        Class of each row; -1: none.
    penalty : float
        eta >= 0.
    most : int
        Rounds, at most; fewer where the plan stands still.

    Returns
    -------
    array (n, m)
    """
    classes = np.unique(group[group >= 0])
    T, g = sinkhorn(a, b, C, reg)
    if penalty == 0 or len(classes) < 2:
        return T
    for _ in range(most):
        tilt = np.zeros_like(C)
        for c in classes:
            own = group == c
            tilt[own] = 0.5 * penalty / np.sqrt(T[own].sum(axis=0) / b + LEAST)
        last = T
        T, g = sinkhorn(a, b, C + tilt, reg, g)
        if np.abs(T - last).sum() < 1e-9:
            break
    return T


def objective(T: Floats, b: Floats, C: Floats, group: Ints, reg: float, penalty: float) -> float:
    """Value of the problem of `grouped` at T."""
    shares = [T[group == c].sum(axis=0) / b for c in np.unique(group[group >= 0])]
    roots = sum(float(b @ np.sqrt(s + LEAST)) for s in shares)
    entropy = float((T * (np.log(np.maximum(T, 1e-300)) - 1.0)).sum())
    return float((T * C).sum()) + reg * entropy + penalty * roots
