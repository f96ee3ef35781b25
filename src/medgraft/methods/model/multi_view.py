"""The alternating least squares of multi-view transfer, on products that do not grow with the patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from medgraft.methods.splits import Floats, Ints, row_keys

RIDGE = LAPLACE = 0.01  # the paper's, at the source
TURNS, SWEEPS = 400, 100
MOST = 1000  # rows behind a Laplacian


@dataclass(frozen=True)
class View:
    """Products over the rows of one view.

    Parameters
    ----------
    gram : array (p, p)
        X'X.
    smooth : array (p, p)
        X'LX.
    cross : array (p, K)
        X'Y.
    square : float
        Sum of the squares of Y.
    """

    gram: Floats
    smooth: Floats
    cross: Floats
    square: float

    @classmethod
    def of(cls, X: Floats, Y: Floats, w: Floats, code: Ints, seed: int) -> Self:
        """Sum over rows X (n, p) of weights w with indicators Y (n, K)."""
        V = X * w[:, None]
        return cls(V.T @ X, laplacian(X, w, code, seed), V.T @ Y, float(w @ (Y**2).sum(axis=1)))

    def error(self, A: Floats) -> float:
        """Squared error of coefficients A (p, K)."""
        return float(((self.gram @ A) * A).sum() - 2.0 * (A * self.cross).sum() + self.square)


def laplacian(X: Floats, w: Floats, code: Ints, seed: int) -> Floats:
    """X'LX for the weights exp(-|x_i - x_j|^2 / 2) among rows of one class.

    With more than 1000 rows it is that of 1000 drawn ones, times the square of how much more all weigh.
    """
    at = np.arange(len(X))
    if len(X) > MOST:
        keys = row_keys(np.column_stack([X, code]))
        at = np.argsort(keys, kind="stable")
        at = np.sort(at[np.random.default_rng(seed).permutation(len(X))[:MOST]])
    Z, v, c = X[at], w[at], code[at]
    square = (Z**2).sum(axis=1)
    far = np.maximum(square[:, None] + square - 2.0 * Z @ Z.T, 0.0)
    W = np.where(c[:, None] == c, np.exp(-0.5 * far), 0.0) * np.outer(v, v)
    np.fill_diagonal(W, 0.0)
    more = (w.sum() / v.sum()) ** 2
    return np.asarray(more * ((Z * W.sum(axis=1)[:, None]).T @ Z - Z.T @ W @ Z))


def source_model(X: Floats, Y: Floats, w: Floats, view: View) -> Floats:
    """Coefficients (p, K) of the source, with slack that only moves scores away from the border."""
    factor = cho_factor(view.gram + LAPLACE * view.smooth + RIDGE * np.eye(X.shape[1]))
    B = 2.0 * Y - 1.0
    M = np.zeros_like(Y)
    A = np.zeros((X.shape[1], Y.shape[1]))
    for _ in range(TURNS):
        new = cho_solve(factor, X.T @ (w[:, None] * (Y + B * M)))
        M = np.maximum(B * (X @ new - Y), 0.0)
        moved = np.abs(new - A).max()
        A = new
        if moved <= 1e-9 * (1.0 + np.abs(A).max()):
            break
    return A


def refine(
    views: list[View], start: list[Floats], lam: float, gamma: float, eta: float
) -> tuple[list[Floats], Floats]:
    """Coefficients of every view and the views' weights, by turns until they rest."""
    weights = np.full(len(views), 1.0 / len(views))
    models = start
    for _ in range(SWEEPS):
        models = [
            np.linalg.solve(
                a * v.gram + lam * v.smooth + gamma * np.eye(len(v.gram)), a * v.cross + gamma * A0
            )
            for a, v, A0 in zip(weights, views, start, strict=True)
        ]
        error = np.array([v.error(A) for v, A in zip(views, models, strict=True)])
        new = np.exp(-(error - error.min()) / eta)
        new /= new.sum()
        moved = np.abs(new - weights).max()
        weights = new
        if moved <= 1e-12:
            break
    return models, weights


def scores(X: list[Floats], models: list[Floats], weights: Floats) -> Floats:
    """Weighted sum (n, K) of the views' scores."""
    return np.asarray(sum(a * x @ A for x, A, a in zip(X, models, weights, strict=True)))
