"""The cumulative logit model: exact loss and gradient, solved to the end in principal coordinates."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from medgraft.methods.logistic import Rotation
from medgraft.methods.splits import Floats, Ints


def row_loss(eta: Floats, cuts: Floats, y: Ints) -> Floats:
    r"""Negative log-likelihood of each row (n,), in nats.

    With :math:`a = \theta_{y} - \eta` and :math:`b = \theta_{y-1} - \eta`, the chance
    :math:`\sigma(a) - \sigma(b)` is :math:`\sigma(a)\,\sigma(-b)\,(1 - e^{b - a})`, which cancels nothing.

    Parameters
    ----------
    eta : array (n,)
        Scores.
    cuts : array (K - 1,)
        Thresholds, increasing.
    y : array (n,) of int
        Levels 0 to K-1.
    """
    last = len(cuts)
    low = np.logaddexp(0.0, _at(cuts, y - 1, eta, -np.inf))
    high = np.logaddexp(0.0, -_at(cuts, y, eta, np.inf))
    gap = np.diff(cuts)
    between = np.concatenate([[0.0], np.log(-np.expm1(-gap)), [0.0]])[: last + 1]
    return np.asarray(low + high - between[y])


def probabilities(eta: Floats, cuts: Floats) -> Floats:
    """Probabilities (n, K) of the levels; differences of neighbouring sigmoids, each taken on its small side.

    Examples
    --------
    >>> probabilities(np.zeros(1), np.array([0.0, 50.0])).round(3).tolist()
    [[0.5, 0.5, 0.0]]
    """
    k = len(cuts) + 1
    levels = np.arange(k)
    return np.exp(-np.stack([row_loss(eta, cuts, np.full(len(eta), j)) for j in levels], axis=1))


def _at(cuts: Floats, place: Ints, eta: Floats, beyond: float) -> Floats:
    """Thresholds less scores; beyond the ends the given infinity."""
    inside = (place >= 0) & (place < len(cuts))
    return np.where(inside, cuts[np.clip(place, 0, len(cuts) - 1)] - eta, beyond)


def solve(
    rotated: Rotation,
    y: Ints,
    weight: Floats,
    k: int,
    lam: float,
    start: Floats | None = None,
    tol: float = 1e-8,
) -> Floats:
    r"""Minimise :math:`\sum_i w_i \ell(y_i, x_i^\top b, \theta) + \frac{\lambda}{2} \|b\|^2` by L-BFGS.

    The thresholds are the first one and the logarithms of the steps to the next: they stay in order, and the
    loss, convex in b and theta (Burridge 1981), has one valley.

    Parameters
    ----------
    rotated : Rotation
        Of the rows (n, p); an optimum in its r coordinates is one in all.
    y : array (n,) of int
        Levels 0 to K-1; each must occur among rows of weight above zero.
    weight : array (n,)
    k : int
    lam : float
    start : array (r + K - 1,), optional
        An earlier answer.
    tol : float
        Largest gradient, relative to the total weight, in coordinates in which the problem is nearly round.

    Returns
    -------
    array (r + K - 1,)
        Coefficients of the coordinates, then the thresholds.
    """
    used = weight > 0
    Z, y, w = rotated.Z[used], y[used], weight[used]
    r, total = Z.shape[1], w.sum()
    scale = 1.0 / np.sqrt(0.25 * total / len(rotated.Z) * rotated.s2 + lam)
    rows = np.arange(len(y))

    def unfold(v: Floats) -> tuple[Floats, Floats, Floats]:
        steps = np.exp(v[r + 1 :])
        return v[:r] * scale, np.cumsum(np.concatenate([v[r : r + 1], steps])), steps

    def fun(v: Floats) -> tuple[float, Floats]:
        b, cuts, steps = unfold(v)
        eta = Z @ b
        loss = float(w @ row_loss(eta, cuts, y)) + 0.5 * lam * float(b @ b)
        a, below = _at(cuts, y, eta, np.inf), _at(cuts, y - 1, eta, -np.inf)
        near = np.concatenate([[0.0], 1.0 / np.expm1(np.diff(cuts)), [0.0]])[y]
        up, down = -w * (expit(-a) + near), w * (expit(below) + near)
        by_cut = np.zeros((len(y), k + 1))
        by_cut[rows, y + 1], by_cut[rows, y] = up, down
        d_cuts = by_cut.sum(axis=0)[1:k]
        later = np.cumsum(d_cuts[::-1])[::-1]
        grad = np.concatenate([(-Z.T @ (up + down) + lam * b) * scale, later[:1], later[1:] * steps])
        return loss / total, grad / total

    if start is None:
        share = np.cumsum(np.bincount(y, weights=w, minlength=k))[:-1] / total
        first = np.concatenate([np.zeros(r), np.log(share / (1.0 - share))])
    else:
        first = np.concatenate([start[:r] / scale, start[r:]])
    first[r + 1 :] = np.log(np.maximum(np.diff(first[r:]), 1e-8))
    options = {"maxiter": 2000, "maxfun": 4000, "gtol": tol, "ftol": 0.0, "maxcor": 20}
    found = minimize(fun, first, jac=True, method="L-BFGS-B", options=options)
    b, cuts, _ = unfold(found.x)
    return np.concatenate([b, cuts])
