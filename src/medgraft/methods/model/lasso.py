"""L1-penalised linear, logistic and softmax regression with known scores, many weightings at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.logistic import row_loss
from medgraft.methods.splits import Floats, Ints

SHARES = np.geomspace(1.0, 1e-3, 13)
_PATIENCE = 3  # penalties in a row that are no better end the path
HOLD = 1e-5  # keeps the intercept of a class without rows finite


@dataclass(frozen=True)
class L1Problem:
    r"""min over B, c of sum_i w_i loss(y_i, offset_i + B x_i + c) / sum_i w_i + lam ||B||_1.

    The loss is half the square for values, the negative log-likelihood in nats for classes (one score for two
    classes, else one a class). The intercept c is free; only where some class has no weight at all does it
    carry a ridge of 1e-5, without which it would have no least value.

    Parameters
    ----------
    X : array (n, p)
        Features on a common scale.
    y : array (n,)
        Values, or class codes.
    k : int
        Number of classes; 0 for values.
    offset : array (n, m) or None
        Scores that are already known.
    """

    X: Floats
    y: Floats | Ints
    k: int
    offset: Floats | None = None

    @property
    def m(self) -> int:
        """Number of scores."""
        return self.k if self.k > 2 else 1

    @property
    def aim(self) -> Floats:
        """What the mean of each score should be (n, m)."""
        if self.k > 2:
            return np.asarray(np.eye(self.k)[self.y])
        return np.asarray(self.y, dtype=float)[:, None]

    def mean(self, eta: Floats) -> Floats:
        """Mean of each score (..., m, n)."""
        if self.k == 0:
            return eta
        if self.k == 2:
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * eta)))
        e = np.exp(eta - eta.max(axis=-2, keepdims=True))
        return np.asarray(e / e.sum(axis=-2, keepdims=True))

    def loss(self, eta: Floats) -> Floats:
        """Loss of each row (n,) for scores (n, m)."""
        if self.k:
            return row_loss(eta, np.asarray(self.y, dtype=np.intp))
        return np.asarray(0.5 * (self.y - eta[:, 0]) ** 2)

    def scores(self, beta: Floats) -> Floats:
        """Scores (n, m) of coefficients (m, p + 1)."""
        eta = self.X @ beta[:, :-1].T + beta[:, -1]
        return eta if self.offset is None else eta + self.offset

    def largest(self, w: Floats) -> float:
        """Smallest penalty at which no feature enters."""
        null = solve_l1(self, w[None, :], np.inf)[0]
        rest = (self.aim - self.mean(self.scores(null).T).T) * (w / w.sum())[:, None]
        return float(np.abs(rest.T @ self.X).max())


def solve_l1(
    problem: L1Problem,
    W: Floats,
    lam: float,
    start: Floats | None = None,
    tol: float = 1e-8,
    max_iter: int = 20_000,
) -> Floats:
    """Coefficients (B, m, p + 1) for each row of weights W (B, n); ``inf`` means the intercept alone.

    Accelerated proximal gradient with restarts (Beck and Teboulle 2009, doi:10.1137/080716542; O'Donoghue
    and Candes 2015, doi:10.1007/s10208-013-9150-3). It stops when the proximal gradient is below `tol`.
    """
    X1 = np.column_stack([problem.X, np.ones(len(problem.X))])
    if not np.isfinite(lam):
        X1[:, :-1] = 0.0
    W = W / W.sum(axis=1, keepdims=True)
    hold = HOLD * lost_class(problem.y, problem.k, W)[:, None]
    slope = _Slope(problem, X1, W)
    step = (1.0 / (slope.curve + hold[:, 0]))[:, None, None]
    beta = np.zeros((len(W), problem.m, X1.shape[1])) if start is None else start.copy()
    ahead, t = beta, np.ones((len(W), 1, 1))
    cut = np.append(np.full(X1.shape[1] - 1, lam if np.isfinite(lam) else 0.0), 0.0)
    for _ in range(max_iter):
        grad = slope(ahead)
        grad[:, :, -1] += hold * ahead[:, :, -1]
        new = ahead - step * grad
        new = np.sign(new) * np.maximum(np.abs(new) - step * cut, 0.0)
        off = ahead - new
        move = new - beta
        t = np.where((off * move).sum(axis=(1, 2), keepdims=True) > 0, 1.0, t)
        t_new = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * t * t))
        ahead, beta = new + (t - 1.0) / t_new * move, new
        t = t_new
        if np.abs(off / step).max() < tol:
            break
    return beta


def solve_active(
    problem: L1Problem,
    W: Floats,
    lam: float,
    start: Floats | None = None,
    tol: float = 1e-8,
    max_iter: int = 20_000,
) -> Floats:
    """Coefficients as of `solve_l1`, found on the few columns that have any: for many columns.

    Columns whose gradient exceeds the penalty join until there is none, so that the optimum is the same.

    Examples
    --------
    >>> problem, W = L1Problem(np.eye(4) - 0.25, np.array([2.0, 0.0, 0.0, -2.0]), 0), np.ones((1, 4))
    >>> bool(np.allclose(solve_active(problem, W, 0.1), solve_l1(problem, W, 0.1)))
    True
    """
    p = problem.X.shape[1]
    beta = np.zeros((len(W), problem.m, p + 1)) if start is None else start
    share = (W / W.sum(axis=1, keepdims=True))[:, None, :]
    active = (beta[:, :, :-1] != 0).any(axis=(0, 1))
    while True:
        at = np.append(np.flatnonzero(active), p)
        part = L1Problem(problem.X[:, active], problem.y, problem.k, problem.offset)
        found = solve_l1(part, W, lam, beta[:, :, at], tol, max_iter)
        beta = np.zeros((len(W), problem.m, p + 1))
        beta[:, :, at] = found
        rest = np.stack([problem.mean(problem.scores(b).T) - problem.aim.T for b in beta]) * share
        new = (np.abs(rest @ problem.X) > lam + 10 * tol).any(axis=(0, 1)) & ~active
        if not new.any():
            return beta
        active |= new


def lost_class(y: Floats | Ints, k: int, W: Floats) -> NDArray[np.bool_]:
    """Whether a row of weights (B, n) leaves some class without any (B,); never for values.

    Examples
    --------
    >>> lost_class(np.array([0, 1, 1]), 2, np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])).tolist()
    [False, True]
    """
    if not k:
        return np.zeros(len(W), dtype=bool)
    return np.asarray((W @ np.eye(k)[np.asarray(y, dtype=np.intp)] == 0).any(axis=1))


class _Slope:
    """Gradient of the loss (B, m, p + 1) and a bound of its curvature (B,)."""

    def __init__(self, problem: L1Problem, X1: Floats, W: Floats) -> None:
        self.problem, self.X1, self.W = problem, X1, W
        self.aim = problem.aim.T
        self.offset = 0.0 if problem.offset is None else problem.offset.T
        n, p = X1.shape
        tall = p <= n
        scaled = [X1 * np.sqrt(w)[:, None] for w in W]
        grams = [A.T @ A if tall else A @ A.T for A in scaled]  # both have the same largest eigenvalue
        top = np.array([np.linalg.eigvalsh(G)[-1] for G in grams])
        self.curve = np.maximum(top, 1e-12) * (1.0 if problem.k == 0 else 0.25 if problem.k == 2 else 0.5)
        self.gram = np.stack(grams) if tall and problem.k == 0 else None
        if self.gram is not None:
            self.pull = ((self.aim - self.offset) * W[:, None, :]) @ X1

    def __call__(self, beta: Floats) -> Floats:
        if self.gram is not None:  # sums of squares need the rows only once
            return beta @ self.gram - self.pull
        mean = self.problem.mean(beta @ self.X1.T + self.offset)
        return np.asarray(((mean - self.aim) * self.W[:, None, :]) @ self.X1)


@dataclass(frozen=True)
class Path:
    """Held-out losses along a path of penalties.

    Parameters
    ----------
    lams : array (L,)
        Penalties, strongest first.
    losses : array (L, F)
        Mean loss of each held-out fold.
    loss : array (L,)
        Mean loss over all held-out rows.
    """

    lams: Floats
    losses: Floats
    loss: Floats

    @property
    def best(self) -> int:
        """Place of the least loss; of equal ones the strongest penalty."""
        return int(np.flatnonzero(self.loss <= self.loss.min() * (1.0 + 1e-9) + 1e-300)[0])


def held_out(
    problem: L1Problem, w: Floats, fold: Ints, tol: float = 1e-5, solve: Callable[..., Floats] = solve_l1
) -> Path:
    """Losses of the folds 0, 1, ... when each is held out; rows of fold -1 are in training always.

    The path goes from the strongest penalty down to a thousandth of it, and ends where three weaker ones in a
    row were no better.
    """
    lams = SHARES * max(problem.largest(w), 1e-12)
    folds = np.unique(fold[fold >= 0])
    W = np.stack([np.where(fold == f, 0.0, w) for f in folds])
    held = [fold == f for f in folds]
    size = np.array([w[rows].sum() for rows in held])
    losses = np.empty((0, len(folds)))
    loss = np.empty(0)
    beta: Floats | None = None
    for lam in lams:
        beta = solve(problem, W, lam, beta, tol, max_iter=2000)
        row = [
            w[rows] @ problem.loss(problem.scores(b))[rows] / w[rows].sum()
            for b, rows in zip(beta, held, strict=True)
        ]
        losses = np.vstack([losses, row])
        loss = losses @ size / size.sum()
        if len(loss) - 1 - int(loss.argmin()) >= _PATIENCE:
            break
    return Path(lams[: len(loss)], losses, loss)


def fit_l1(problem: L1Problem, w: Floats, lam: float) -> Floats:
    """Coefficients (m, p + 1) of one problem, to full precision."""
    return solve_l1(problem, w[None, :], lam)[0]
