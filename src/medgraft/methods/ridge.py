"""Weighted ridge regression in closed form, with its leave-one-patient-out errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.splits import Floats, Ints


@dataclass(frozen=True)
class RidgePath:
    """Ridge solutions for every penalty, from one decomposition.

    The problem is min over b, c of sum_i w_i (y_i - x_i'b - c)^2 + lam ||b||^2, the intercept c free (or
    absent).

    Parameters
    ----------
    U, s, V : arrays (n, r), (r,), (p, r)
        Thin decomposition of the weighted, centred X.
    u0 : array (n,) or None
        Unit vector of the intercept; None without one.
    resid : array (n,)
        Weighted, centred y.
    x_mean, y_mean : array (p,), float
        Weighted means (zero without intercept).
    """

    U: Floats
    s: Floats
    V: Floats
    u0: Floats | None
    resid: Floats
    x_mean: Floats
    y_mean: float

    @classmethod
    def of(cls, X: Floats, y: Floats, w: Floats, *, intercept: bool = True) -> RidgePath:
        """Decompose once; the cost is O(n p min(n, p))."""
        root = np.sqrt(w)
        if intercept:
            x_mean, y_mean = w @ X / w.sum(), float(w @ y / w.sum())
            u0 = root / np.sqrt(w.sum())
        else:
            x_mean, y_mean, u0 = np.zeros(X.shape[1]), 0.0, None
        A = (X - x_mean) * root[:, None]
        U, s, Vt = _thin_svd(A)
        return cls(U, s, Vt.T, u0, (y - y_mean) * root, x_mean, y_mean)

    def coef(self, lam: float) -> tuple[Floats, float]:
        """Coefficients (p,) and intercept for one penalty."""
        b = self.V @ (self.s / (self.s**2 + lam) * (self.U.T @ self.resid))
        return b, self.y_mean - float(self.x_mean @ b)

    def left_out_error(self, lams: Floats, units: Ints) -> Floats:
        """Sum of weighted squared errors when each unit is predicted by all the others, per penalty.

        Exact: with hat matrix H, the residual of a left-out unit g is (I - H_gg)^-1 r_g, so that no
        model is fitted again (Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751, for
        one row; the block form follows from the same identity).
        """
        lams = np.asarray(lams, dtype=float)
        shrink = (self.s**2)[:, None] / ((self.s**2)[:, None] + lams)  # (r, L)
        r = self.resid[:, None] - self.U @ (shrink * (self.U.T @ self.resid)[:, None])  # (n, L)
        order = np.argsort(units, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(units[order]) > 0])
        size = np.diff(np.r_[starts, len(units)])
        single = order[starts[size == 1]]
        h = self.U[single] ** 2 @ shrink
        if self.u0 is not None:
            h = h + self.u0[single, None] ** 2
        error = np.sum((r[single] / np.maximum(1.0 - h, 1e-12)) ** 2, axis=0)
        for start, m in zip(starts[size > 1], size[size > 1], strict=True):
            error = error + self._block_error(order[start : start + m], shrink, r)
        return np.asarray(error)

    def _block_error(self, rows: Ints, shrink: Floats, r: Floats) -> Floats:
        U, f = self.U[rows], shrink
        if self.u0 is not None:
            U = np.column_stack([U, self.u0[rows]])
            f = np.vstack([f, np.ones(f.shape[1])])
        rg = r[rows].T[:, :, None]  # (L, m, 1)
        if len(rows) <= U.shape[1]:
            A = np.eye(len(rows)) - (U * f.T[:, None, :]) @ U.T
            e = np.linalg.solve(A + 1e-12 * np.eye(len(rows)), rg)
        else:  # Woodbury: as many equations as features, not as rows
            G = U.T @ U
            A = np.eye(len(G)) - f.T[:, :, None] * G
            inner = np.linalg.solve(A + 1e-12 * np.eye(len(G)), f.T[:, :, None] * (U.T @ rg))
            e = rg + U @ inner
        return np.asarray((e[:, :, 0] ** 2).sum(axis=1))


def _thin_svd(A: Floats) -> tuple[Floats, Floats, Floats]:
    """Singular value decomposition without the null directions."""
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    keep = s > max(A.shape) * np.finfo(float).eps * (s[0] if len(s) else 0.0)
    return U[:, keep], s[keep], Vt[keep]
