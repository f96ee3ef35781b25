"""Location and scale of sites against a reference site, shrunken over the features (ComBat)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from medgraft.methods.rows import Mask
from medgraft.methods.sites import patients_with
from medgraft.methods.splits import Floats, Ints


@dataclass(frozen=True)
class Sites:
    """Shifts and scales of S sites against a reference, for q columns.

    Parameters
    ----------
    alpha, sigma : arrays (q,)
        Level and residual deviation of the reference.
    beta : array (c, q)
        Effects of the kept columns.
    shift, scale : arrays (S, q)
        Shrunken location and scale, in units of sigma.
    moved : array (S, q) of bool
        Whether the site has the column at all.
    usable : array (q,) of bool
        Whether the column varies in the reference, and two patients of it have the column.
    confounded : bool
        Whether kept columns are determined by the site.
    """

    alpha: Floats
    sigma: Floats
    beta: Floats
    shift: Floats
    scale: Floats
    moved: Mask
    usable: Mask
    confounded: bool

    @classmethod
    def of(cls, A: Floats, X: Floats, site: Any, w: Floats, units: Ints, S: int) -> Sites:
        """Estimate from columns A (n, q) with gaps and kept columns X (n, c) of sites 0 (reference) to S.

        The rows of one patient (same `units`) tell a site's location, but nothing of how its patients differ.
        """
        D = np.column_stack([np.ones(len(A)), *(site == k + 1 for k in range(S)), X]).astype(float)
        seen = ~np.isnan(A)
        B = _least_squares(D, A, seen, w)
        rest = np.where(seen, A - D[:, [0]] * B[0] - D[:, S + 1 :] @ B[S + 1 :], 0.0)
        W = seen * w[:, None]
        own = site == 0
        total = W[own].sum(axis=0)
        sigma = np.sqrt((W[own] * rest[own] ** 2).sum(axis=0) / np.maximum(total, 1e-300))
        size = np.abs(np.where(seen, A, 0.0)).max(axis=0, initial=0.0)
        usable = (sigma > 1e-9 * np.maximum(size, 1e-300)) & (patients_with(seen[own], units[own]) > 1)
        z = rest / np.where(usable, sigma, 1.0)
        shift, scale = np.zeros((S, A.shape[1])), np.ones((S, A.shape[1]))
        moved = np.zeros((S, A.shape[1]), dtype=bool)
        for k in range(S):
            at = site == k + 1
            n = W[at].sum(axis=0)
            moved[k] = (n > 0) & usable
            sums = (W[at] * z[at]).sum(axis=0), (W[at] * z[at] ** 2).sum(axis=0)
            several = moved[k] & (patients_with(seen[at], units[at]) > 1) & (n > 1 + 1e-9)
            shift[k], scale[k] = shrunken(n, *sums, moved[k], several)
        independent = len(np.unique(site)) + _rank(np.column_stack([D[:, 0], X])) - 1
        confounded = X.shape[1] > 0 and _rank(D) < independent
        return cls(B[0], sigma, B[S + 1 :], shift, scale, moved, usable, confounded)


def shrunken(n: Floats, first: Floats, second: Floats, moved: Mask, several: Mask) -> tuple[Floats, Floats]:
    """Posterior location and scale (q,) of one site from the weights n and the sums of z and of z squared.

    Columns outside `moved` get 0 and 1; those outside `several` get the scale 1.
    """
    mean = np.where(moved, first / np.maximum(n, 1e-300), 0.0)
    ss = np.where(several, np.maximum(second - n * mean**2, 0.0), 0.0)
    var = np.where(several, ss / np.maximum(n - 1, 1e-300), 1.0)
    shift, square = mean.copy(), var.copy()
    if moved.sum() > 1:
        centre, spread = mean[moved].mean(), mean[moved].var(ddof=1)
        prior = several.sum() > 1
        m, s2 = (var[several].mean(), var[several].var(ddof=1)) if prior else (1.0, 0.0)
        for _ in range(1000):
            top = n * spread * mean + square * centre
            bottom = n * spread + square
            new, last = np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), centre), square
            if prior:
                # Times s2, the moment formulas a = (2 s2 + m^2) / s2 and b = (m s2 + m^3) / s2 stay finite.
                up = m * s2 + m**3 + s2 * (ss + n * (mean - new) ** 2) / 2
                down = np.maximum(s2 * n / 2 + s2 + m**2, 1e-300)
                square = np.where(several, up / down, 1.0)
            step = max(np.abs(new - shift).max(), np.abs(square - last).max())
            shift = new
            if step < 1e-12 * max(1.0, np.abs(shift).max(), square.max()):
                break
    return np.where(moved, shift, 0.0), np.sqrt(np.where(several, np.maximum(square, 1e-12), 1.0))


def _least_squares(D: Floats, A: Floats, seen: Mask, w: Floats) -> Floats:
    """Weighted least squares of each column of A (n, q) on D (n, d), over the rows that have it: (d, q)."""
    B = np.zeros((D.shape[1], A.shape[1]))
    full = seen.all(axis=0)
    B[:, full] = _solve(D, A[:, full], w)
    for j in np.flatnonzero(~full):
        rows = seen[:, j]
        B[:, j] = _solve(D[rows], A[rows, j], w[rows])
    return B


def _solve(D: Floats, A: Floats, w: Floats) -> Floats:
    # Columns on one scale, so that the cut for dependent ones means the same for all.
    length = np.sqrt(w @ D**2) if len(D) else np.zeros(D.shape[1])
    length = np.where(length > 0, length, 1.0)
    G = (D / length).T @ ((D / length) * w[:, None])
    right = ((D / length) * w[:, None]).T @ A
    made = np.linalg.pinv(G, rcond=1e-11, hermitian=True) @ right
    return np.asarray(made / (length[:, None] if A.ndim == 2 else length))


def _rank(D: Floats) -> int:
    length = np.linalg.norm(D, axis=0)
    E = D / np.where(length > 0, length, 1.0)
    return int(np.linalg.matrix_rank(E.T @ E, tol=1e-9, hermitian=True))
