"""Density ratio of two samples by least squares, with closed-form leave-one-out (uLSIF).

Kanamori, Hido and Sugiyama 2009, J. Mach. Learn. Res. 10:1391-1445.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from medgraft.methods.splits import Floats, Ints, row_keys

SIGMAS = (0.3, 0.55, 1.0, 1.8, 3.3)  # times the median distance
LAMBDAS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
BLOCK = 4096  # rounds of leave-one-out held in memory at once


@dataclass(frozen=True)
class Ratio:
    """A density ratio p_t/p_s as a sum of Gaussian bumps at some target rows.

    Parameters
    ----------
    centres : array (b, p)
    alpha : array (b,)
        Heights, not negative.
    sigma, lam : float
        Width and penalty that were chosen.
    """

    centres: Floats
    alpha: Floats
    sigma: float
    lam: float

    def __call__(self, X: Floats) -> Floats:
        """Ratio (n,) at the rows of X."""
        return np.asarray(bumps(cdist(X, self.centres, "sqeuclidean"), self.sigma) @ self.alpha)


def bumps(squared: Floats, sigma: float) -> Floats:
    """Gaussian kernel of squared distances."""
    out = np.asarray(squared / (-2.0 * sigma**2))
    return np.exp(out, out=out)


def distinct(Z: Floats, count: int) -> Floats:
    """Return the first `count` distinct rows, in their order: a second bump at one place adds nothing.

    Examples
    --------
    >>> distinct(np.array([[3.0], [3.0], [1.0], [2.0]]), 2).tolist()
    [[3.0], [1.0]]
    """
    first = np.sort(np.unique(row_keys(Z), return_index=True)[1])
    return Z[first[:count]]


def heights(Fs: Floats, Ft: Floats, lam: float) -> Floats:
    """Solve min 1/2 a'Ha - h'a + lam/2 a'a with H = Fs'Fs/n_s, h = mean of Ft; negative heights become 0."""
    return _heights(Fs.T @ Fs / len(Fs), Ft.mean(axis=0), lam)


def _heights(H: Floats, h: Floats, lam: float) -> Floats:
    return np.maximum(np.linalg.solve(H + lam * np.eye(len(h)), h), 0.0)


def left_out_scores(Fs: Floats, Ft: Floats, lams: Floats) -> Floats:
    """Leave-one-out score of each penalty in closed form (Kanamori et al. 2009, section 2.4).

    Round i leaves out source row i and target row i, for i below min(n_s, n_t), and scores
    1/2 w(source i)^2 - w(target i) with the ratio w of the others, whose negative heights are set to 0.

    Parameters
    ----------
    Fs, Ft : arrays (n_s, b), (n_t, b)
        Bumps at the source's and the target's rows.
    lams : array (L,)

    Returns
    -------
    array (L,)
        Smaller is better.
    """
    ns, nt = len(Fs), len(Ft)
    n = min(ns, nt)
    H, h = Fs.T @ Fs / ns, Ft.mean(axis=0)
    values, vectors = np.linalg.eigh(H)  # one decomposition serves every penalty
    out = np.zeros(len(lams))
    for start in range(0, n, BLOCK):
        rounds = slice(start, min(start + BLOCK, n))
        S, T = Fs[rounds].T, Ft[rounds].T
        turned = vectors.T @ np.column_stack([h, S, T])
        m = S.shape[1]
        for j, lam in enumerate(lams):
            R = vectors @ (
                turned / (np.maximum(values, 0.0) + lam * (ns - 1) / ns)[:, None]
            )  # B^-1 [h, S, T]
            Bh, BS, BT = R[:, 0], R[:, 1 : m + 1], R[:, m + 1 :]
            room = ns - np.einsum("bi,bi->i", S, BS)
            B0 = Bh[:, None] + BS * ((h @ BS) / room)
            B1 = BT + BS * (np.einsum("bi,bi->i", T, BS) / room)
            a = np.maximum((ns - 1) / (ns * (nt - 1)) * (nt * B0 - B1), 0.0)
            ws, wt = np.einsum("bi,bi->i", S, a), np.einsum("bi,bi->i", T, a)
            out[j] += (0.5 * (ws @ ws) - wt.sum()) / n
    return out


def held_out_scores(
    Fs: Floats,
    Ft: Floats,
    lams: Floats,
    fold_s: Ints,
    fold_t: Ints,
    source_weight: Floats | None = None,
    target_weight: Floats | None = None,
) -> Floats:
    """Score of each penalty when whole patients are held out together (the same criterion, by folds).

    The weights only count rows: those of `Fs` and `Ft` carry them already (see `fit_ratio`).
    """
    ws = np.ones(len(Fs)) if source_weight is None else source_weight
    wt = np.ones(len(Ft)) if target_weight is None else target_weight
    sides = [(fold_s == f, fold_t == f) for f in np.unique(np.r_[fold_s, fold_t])]
    # Sums of each fold serve both as what is held out and, taken off the total, as what is learned from.
    sums = [(Fs[s].T @ Fs[s], Ft[t].sum(axis=0), float(ws[s].sum()), float(wt[t].sum())) for s, t in sides]
    H, h, ns, nt = (sum(part[i] for part in sums) for i in range(4))
    out = np.zeros(len(lams))
    for (s, t), (Hf, hf, nsf, ntf) in zip(sides, sums, strict=True):
        if s.all() or t.all():
            continue
        for j, lam in enumerate(lams):
            a = _heights((H - Hf) / (ns - nsf), (h - hf) / (nt - ntf), lam)
            out[j] += 0.5 * (a @ Hf @ a) / ns - (hf @ a) / nt
    return out


def fit_ratio(
    source: Floats,
    target: Floats,
    *,
    source_weight: Floats | None = None,
    target_weight: Floats | None = None,
    folds: tuple[Ints, Ints] | None = None,
    n_centres: int = 100,
) -> Ratio:
    """Estimate p_t/p_s by unconstrained least-squares importance fitting (uLSIF).

    Parameters
    ----------
    source, target : arrays (n_s, p), (n_t, p)
        Rows on one scale, at least two each. Centres are the first distinct target rows, and round i of the
        leave-one-out pairs source row i with target row i: give the rows in random order.
    source_weight, target_weight : arrays (n,), optional
        Weights; only their ratios matter.
    folds : two arrays of int, optional
        Held-out folds of the rows, instead of leaving out one row at a time.
    n_centres : int
        At most this many bumps.

    Returns
    -------
    Ratio

    Notes
    -----
    Cost O((n_s + n_t) b p) for distances and, per width, O(n_s b^2 + L (b^3 + n_t b^2)) for L penalties.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> r = fit_ratio(rng.normal(0, 1, (300, 1)), rng.normal(1, 1, (300, 1)))
    >>> bool(r(np.array([[1.5]]))[0] > r(np.array([[-0.5]]))[0])
    True
    """
    centres = distinct(target, n_centres)
    ds, dt = cdist(source, centres, "sqeuclidean"), cdist(target, centres, "sqeuclidean")
    # Weights enter the two means by scaling the bumps: H by w (its root on each side), h by w.
    qs = np.ones(len(source)) if source_weight is None else source_weight / source_weight.mean()
    qt = np.ones(len(target)) if target_weight is None else target_weight / target_weight.mean()
    middle = float(np.sqrt(np.median(np.concatenate([ds.ravel(), dt.ravel()])))) or 1.0
    lams = np.asarray(LAMBDAS)
    best: tuple[float, float, float] | None = None
    for factor in SIGMAS:
        sigma = factor * middle
        Fs, Ft = bumps(ds, sigma), bumps(dt, sigma)
        Fs *= np.sqrt(qs)[:, None]
        Ft *= qt[:, None]
        scores = (
            left_out_scores(Fs, Ft, lams)
            if folds is None
            else held_out_scores(Fs, Ft, lams, *folds, source_weight=qs, target_weight=qt)
        )
        j = int(np.argmin(scores))
        if best is None or scores[j] < best[0]:
            best = (float(scores[j]), sigma, float(lams[j]))
            alpha = heights(Fs, Ft, lams[j])
    if best is None:
        raise ValueError("no width to choose from")
    return Ratio(centres, alpha, best[1], best[2])


def even_out(ratio: Floats, weight: Floats) -> Floats:
    """Scale ratios to mean 1, cut them at the root of the number of rows, scale again (Ionides 2008).

    Examples
    --------
    >>> even_out(np.array([1.0] * 15 + [85.0]), np.ones(16))[[0, -1]].round(9).tolist()
    [0.4, 10.0]
    """
    n = weight.sum()
    cut = np.minimum(ratio * (n / (weight @ ratio)), np.sqrt(n))
    return np.asarray(cut * (n / (weight @ cut)))
