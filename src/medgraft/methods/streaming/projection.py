"""From raw windows to few coordinates: gaps filled, one scale, the directions that tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError

RIDGE = 0.1  # share of the identity in the spread within classes, in standardised columns


def windows(X: ArrayLike, width: int | None = None) -> Floats:
    """Return X as an array (n, p) of floats, NaN where missing; InputError for any other thing."""
    A = np.asarray(X, dtype=float)
    if A.ndim != 2:
        raise InputError(f"X must be windows in rows and features in columns, not of shape {A.shape}.")
    if width is not None and A.shape[1] != width:
        raise InputError(f"X has {A.shape[1]} features, but the model was started with {width}.")
    if np.isinf(A).any():
        raise InputError("X contains infinity: replace it by a number or by NaN.")
    return A


@dataclass(frozen=True)
class Projection:
    r"""Fill gaps, centre, and turn windows into few coordinates.

    Use it to make one person's windows comparable with those of a population at little memory. Not for words.

    .. math:: z = W^\top (\tilde x - m)

    where :math:`\tilde x` is x with gaps filled by medians and m the means.

    Parameters
    ----------
    fill : array (p,)
        Medians of what was observed; 0 in columns that are empty.
    centre : array (p,)
        Means, after filling.
    weight : array (p, d)
        W; zero rows for constant columns.

    Notes
    -----
    8 p (d + 2) bytes: no window is kept. Cost O(n p^2 + p^3) to learn, O(p d) a window to use.

    Examples
    --------
    >>> X = np.array([[0.0, 1.0], [2.0, np.nan], [4.0, 1.0]])
    >>> Projection.principal(X, 1).apply(X).ravel().round(3).tolist()
    [-1.225, 0.0, 1.225]
    """

    fill: Floats
    centre: Floats
    weight: Floats

    @classmethod
    def discriminant(cls, X: Floats, y: Ints) -> Projection:
        r"""Directions in which classes differ most, for their spread within.

        The columns of W solve :math:`B w = \lambda S w` with :math:`w^\top S w = 1`: B is the covariance of
        the classes' means and S that within classes, one tenth of it replaced by the identity, both in
        standardised columns. With K classes there are min(K - 1, p) of them. Coordinates have about unit
        covariance within classes. Sources: Fisher (1936), doi:10.1111/j.1469-1809.1936.tb02137.x; Rao (1948).
        """
        from scipy.linalg import eigh

        fill, centre, scale, A = _standardised(X)
        k, code = np.unique(y, return_inverse=True)
        means = np.array([A[code == c].mean(axis=0) for c in range(len(k))])
        within = (1 - RIDGE) * np.cov((A - means[code]).T, bias=True).reshape(A.shape[1], -1)
        within[np.diag_indices_from(within)] += RIDGE
        between = (means.T * np.bincount(code)) @ means / len(A)
        d = max(min(len(k) - 1, A.shape[1]), 1)
        _, vectors = eigh(between, within)
        return cls(fill, centre, _pointed(vectors[:, ::-1][:, :d], scale))

    @classmethod
    def principal(cls, X: Floats, d: int) -> Projection:
        """First d principal components of standardised columns, each of variance 1; no label is needed."""
        fill, centre, scale, A = _standardised(X)
        _, s, Vt = np.linalg.svd(A, full_matrices=False)
        kept = min(d, max(int((s > 1e-9 * max(s[0], 1e-300)).sum()), 1))
        length = np.maximum(s[:kept] / np.sqrt(len(A)), 1e-12)
        return cls(fill, centre, _pointed(Vt[:kept].T / length, scale))

    def apply(self, X: Floats) -> Floats:
        """Coordinates (n, d) of windows (n, p)."""
        # einsum, not @: a window's coordinates must not depend on how many others came with it.
        return np.einsum("np,pd->nd", np.where(np.isnan(X), self.fill, X) - self.centre, self.weight)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what is to be saved."""
        return {"fill": self.fill, "centre": self.centre, "weight": self.weight}


def _standardised(X: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Medians, means, scales (infinite where constant) and the standardised rows."""
    gap = np.isnan(X)
    fill = np.array([np.median(c[~g]) if not g.all() else 0.0 for c, g in zip(X.T, gap.T, strict=True)])
    filled = np.where(gap, fill, X)
    centre = filled.mean(axis=0)
    spread = filled.std(axis=0)
    scale = np.where(spread > 1e-9 * np.maximum(np.abs(filled).max(axis=0), 1e-300), spread, np.inf)
    return fill, centre, scale, (filled - centre) / scale


def _pointed(V: Floats, scale: Floats) -> Floats:
    """Weights of raw columns; the largest entry of a direction is positive, whatever the library's sign."""
    top = np.abs(V).argmax(axis=0)
    signed = V * np.sign(V[top, np.arange(V.shape[1])])
    # Laid out as it is after saving, so that sums have the same order, to the last bit.
    return np.ascontiguousarray(signed / scale[:, None])
