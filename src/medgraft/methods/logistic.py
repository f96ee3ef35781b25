"""Penalised logistic and softmax regression: one optimum, two roads to it.

Small binary problems go by Newton's method, all inner folds at once; everything else by L-BFGS in
principal coordinates, scaled so that the problem is nearly round. Both stop at the same optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize

from medgraft.methods.splits import Floats, Ints

NEWTON_MAX_FEATURES = 80


@dataclass(frozen=True)
class Problem:
    """min over B, c of sum_i w_i loss(y_i, offset_i + B x_i + c) + lam / 2 (||B||^2 [+ ||c||^2]).

    The loss is the negative log-likelihood. Two classes have one score (the log-odds of class 1), more
    have one per class (softmax), centred so that the intercepts sum to zero.

    Parameters
    ----------
    X : array (n, p)
        Features, best on a common scale.
    y : array (n,) of int
        Class codes 0 to K-1; every code must occur unless an offset or a penalised intercept holds the score.
    k : int
        Number of classes K >= 2.
    offset : array (n, m) or None
        Scores that are already known (m = 1 for two classes, else K).
    free_intercept : bool
        Whether the intercept escapes the penalty.
    """

    X: Floats
    y: Ints
    k: int
    offset: Floats | None = None
    free_intercept: bool = True

    @property
    def m(self) -> int:
        """Number of scores."""
        return 1 if self.k == 2 else self.k

    @cached_property
    def rotation(self) -> Rotation:
        """Principal coordinates, made once for all penalties and folds."""
        return Rotation.of(self.X)

    def scores(self, beta: Floats) -> Floats:
        """Scores (n, m) of coefficients (m, p + 1), the intercept last."""
        eta = self.X @ beta[:, :-1].T + beta[:, -1]
        return eta if self.offset is None else eta + self.offset


def probabilities(eta: Floats) -> Floats:
    """Class probabilities (n, K) of scores (n, m)."""
    if eta.shape[1] == 1:
        eta = np.hstack([np.zeros_like(eta), eta])
    e = np.exp(eta - eta.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def row_loss(eta: Floats, y: Ints) -> Floats:
    """Negative log-likelihood of each row (n,), in nats."""
    if eta.shape[1] == 1:
        s = eta[:, 0]
        return np.asarray(np.logaddexp(0.0, s) - y * s)
    top = eta.max(axis=1)
    return np.asarray(np.log(np.exp(eta - top[:, None]).sum(axis=1)) + top - eta[np.arange(len(y)), y])


def solve(problem: Problem, W: Floats, lam: float, start: Floats | None = None, tol: float = 1e-10) -> Floats:
    """Coefficients (B, m, p + 1) for each row of weights W (B, n).

    `tol` bounds the Newton decrement relative to the total weight; `start` is an earlier answer of the
    same shape (a warm start).
    """
    if problem.m == 1 and problem.X.shape[1] <= NEWTON_MAX_FEATURES:
        return _newton(problem, W, lam, start, tol)
    first: list[Floats | None] = [None] * len(W) if start is None else list(start)
    return np.stack([_lbfgs(problem, w, lam, s, tol) for w, s in zip(W, first, strict=True)])


def _newton(problem: Problem, W: Floats, lam: float, start: Floats | None, tol: float) -> Floats:
    n, p = problem.X.shape
    X1 = np.column_stack([problem.X, np.ones(n)])
    y = problem.y.astype(float)
    offset = 0.0 if problem.offset is None else problem.offset[:, 0]
    pen = np.full(p + 1, lam)
    if problem.free_intercept:
        pen[-1] = 0.0
    beta = np.zeros((len(W), p + 1)) if start is None else start[:, 0, :].copy()
    total = np.maximum(W.sum(axis=1), 1e-300)

    def value(b: Floats, w: Floats) -> tuple[Floats, Floats]:
        eta = b @ X1.T + offset
        loss = np.maximum(eta, 0.0) - y * eta + np.log1p(np.exp(-np.abs(eta)))
        return eta, (w * loss).sum(axis=1) + 0.5 * (pen * b * b).sum(axis=1)

    live = np.arange(len(W))
    eta, f = value(beta, W)
    for _ in range(100):
        w = W[live]
        mu = 1.0 / (1.0 + np.exp(-np.clip(eta, -500, 500)))
        grad = (w * (mu - y)) @ X1 + pen * beta[live]
        curve = w * (mu * (1.0 - mu))
        H = (X1.T * curve[:, None, :]) @ X1
        H[:, np.arange(p + 1), np.arange(p + 1)] += pen + 1e-10 * total[live, None]
        step = np.linalg.solve(H, grad[:, :, None])[:, :, 0]
        decrement = (grad * step).sum(axis=1)
        size = np.ones(len(live))
        new = beta[live] - step
        new_eta, new_f = value(new, w)
        # Halve the step where the loss did not fall: Newton alone can overshoot on separable rows.
        for _ in range(40):
            bad = new_f > f + 1e-12 * np.abs(f) + 1e-300
            if not bad.any():
                break
            size[bad] /= 2
            new = beta[live] - size[:, None] * step
            new_eta, new_f = value(new, w)
        beta[live] = new
        go = decrement > tol * total[live]
        if not go.any():
            break
        live, eta, f = live[go], new_eta[go], new_f[go]
    return beta[:, None, :]


@dataclass(frozen=True)
class Rotation:
    """Principal coordinates of the rows: Z = X V with orthonormal V, and their scale.

    An L2 penalty does not notice a rotation, and the optimum lies in the span of the rows, so that a
    problem with p features and n rows needs only min(n, p) of them.
    """

    Z: Floats
    V: Floats
    s2: Floats

    @classmethod
    def of(cls, X: Floats) -> Rotation:
        """Decompose by the smaller Gram matrix; the cost is O(n p min(n, p))."""
        n, p = X.shape
        if p <= n:
            s2, V = np.linalg.eigh(X.T @ X)
            return cls(X @ V, V, np.maximum(s2, 0.0))
        s2, U = np.linalg.eigh(X @ X.T)
        keep = s2 > s2[-1] * n * 1e-14 if n else s2 > 0
        U, s2 = U[:, keep], s2[keep]
        root = np.sqrt(s2)
        return cls(U * root, X.T @ U / root, s2)


def _lbfgs(problem: Problem, w: Floats, lam: float, start: Floats | None, tol: float) -> Floats:
    """Coefficients (m, p + 1) of one weighting, by L-BFGS in scaled principal coordinates."""
    rotated = problem.rotation
    used = w > 0
    Z, y, w = rotated.Z[used], problem.y[used], w[used]
    offset = None if problem.offset is None else problem.offset[used]
    m, r = problem.m, rotated.Z.shape[1]
    total, share = w.sum(), w.sum() / max(len(rotated.Z), 1)
    scale = np.append(1.0 / np.sqrt(0.25 * share * rotated.s2 + lam), 1.0 / np.sqrt(0.25 * total + lam))
    onehot = np.eye(problem.k)[y] if m > 1 else y[:, None].astype(float)
    rows = np.arange(len(y))

    def fun(flat: Floats) -> tuple[float, Floats]:
        b = flat.reshape(m, r + 1) * scale
        eta = Z @ b[:, :-1].T + b[:, -1]
        if offset is not None:
            eta = eta + offset
        if m == 1:
            e = eta[:, 0]
            loss = np.maximum(e, 0.0) - y * e + np.log1p(np.exp(-np.abs(e)))
            d = 1.0 / (1.0 + np.exp(-np.clip(eta, -500, 500))) - onehot
        else:
            top = eta.max(axis=1, keepdims=True)
            ex = np.exp(eta - top)
            norm = ex.sum(axis=1, keepdims=True)
            loss = np.log(norm[:, 0]) + top[:, 0] - eta[rows, y]
            d = ex / norm - onehot
        d = d * w[:, None]
        grad = np.empty((m, r + 1))
        grad[:, :-1] = d.T @ Z + lam * b[:, :-1]
        grad[:, -1] = d.sum(axis=0)
        penalty = 0.5 * lam * float((b[:, :-1] ** 2).sum())
        if not problem.free_intercept:
            grad[:, -1] += lam * b[:, -1]
            penalty += 0.5 * lam * float((b[:, -1] ** 2).sum())
        return (float(w @ loss) + penalty) / total, (grad * scale).ravel() / total

    x0 = np.zeros((m, r + 1))
    if start is not None:
        x0[:, :-1] = start[:, :-1] @ rotated.V
        x0[:, -1] = start[:, -1]
        x0 = x0 / scale
    # The gradient in scaled coordinates squares to about twice the distance from the optimum in loss.
    gtol = np.sqrt(tol / total)
    options = {"maxiter": 1000, "maxfun": 2000, "gtol": gtol, "ftol": 0.0, "maxcor": 20}
    out = minimize(fun, x0.ravel(), jac=True, method="L-BFGS-B", options=options)
    b = out.x.reshape(m, r + 1) * scale
    if m > 1 and problem.free_intercept:
        b[:, -1] -= b[:, -1].mean()
    return np.column_stack([b[:, :-1] @ rotated.V.T, b[:, -1]])


def tune(
    problem: Problem, w: Floats, fold: Ints, lams: Floats, *, tol: float = 1e-6, patience: int = 2
) -> tuple[float, Floats, Floats | None]:
    """Choose the penalty by the log loss of held-out folds.

    Goes from the strongest penalty to the weakest, each fold starting from its last answer, and stops after
    `patience` penalties in a row that were no better. ``inf`` means "the offset alone".

    Parameters
    ----------
    problem : Problem
    w : array (n,)
        Weights, in training and in the held-out loss.
    fold : array (n,) of int
        From `inner_folds`.
    lams : array (L,)
        Penalties to try.
    tol : float
        See `solve`.
    patience : int
        The curve of a plain penalty has one valley in all but odd cases, so that 2 loses nothing.

    Returns
    -------
    float
        The best penalty; the stronger one on a tie.
    array (L,)
        Mean held-out log loss in nats, in the order of the sorted penalties (strongest first); NaN where
        the search stopped before.
    array (1, m, p + 1) or None
        A good start for the final fit.
    """
    lams = np.sort(np.asarray(lams, dtype=float))[::-1]
    held = [np.flatnonzero(fold == f) for f in np.unique(fold)]
    W = np.stack([np.where(fold == f, 0.0, w) for f in np.unique(fold)])
    losses = np.full(len(lams), np.nan)
    beta: Floats | None = None
    best: tuple[float, Floats, Floats | None] | None = None
    zero = np.zeros((len(W), problem.m, problem.X.shape[1] + 1))
    for j, lam in enumerate(lams):
        beta = solve(problem, W, lam, beta, tol) if np.isfinite(lam) else None
        eta = np.empty((len(w), problem.m))
        for b, rows in zip(zero if beta is None else beta, held, strict=True):
            eta[rows] = problem.X[rows] @ b[:, :-1].T + b[:, -1]
        if problem.offset is not None:
            eta += problem.offset
        losses[j] = w @ row_loss(eta, problem.y) / w.sum()
        if best is None or losses[j] < best[0] * (1.0 - 1e-9):
            start = None if beta is None else beta.mean(axis=0, keepdims=True)
            best, since = (losses[j], np.array(lam), start), 0
        else:
            since += 1
            if since == patience:
                break
    if best is None:
        raise ValueError("no penalty to choose from")
    return float(best[1]), losses, best[2]
