"""How alike two layers see the same samples: centred kernel alignment, and representational similarity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from medgraft.base import MedgraftError
from medgraft.methods.splits import Floats

DISTANCES = ("euclidean", "correlation")


def cka(
    first: ArrayLike, second: ArrayLike, *, debiased: bool = True, group: ArrayLike | None = None
) -> float:
    r"""Linear centred kernel alignment of two layers' activations on the same samples.

    Use it to see which layers a network changed when it was fine-tuned, or whether two networks found the
    same. Not with fewer than some dozen patients: plain CKA of wide layers then nears 1 for unrelated ones,
    and the debiased one scatters.

    With Gram matrices :math:`K = X X^\top`, :math:`L = Y Y^\top` and the independence criterion HSIC,

    .. math:: \mathrm{CKA} = \frac{\mathrm{HSIC}(K, L)}{\sqrt{\mathrm{HSIC}(K, K)\, \mathrm{HSIC}(L, L)}}

    with HSIC the sum of products of the centred matrices or, debiased, the U-statistic over pairs of
    different patients, so that unrelated layers have CKA 0 on average. Rotations, shifts and one scale for
    all features of a layer change nothing.

    Parameters
    ----------
    first, second : array (n, d1), (n, d2)
        Activations; more axes are flattened.
    debiased : bool
    group : array (n,), optional
        Patients, whose rows are averaged first; default each row its own.

    Returns
    -------
    float
        At most 1 (debiased: on average not below 0); nan where a layer says the same of all patients.

    Raises
    ------
    MedgraftError
        Numbers of rows differ, or there are fewer than four patients.

    Notes
    -----
    Cost O(n^2 (d1 + d2)). Sources: Kornblith et al. 2019, arXiv:1905.00414; the U-statistic: Song et al.
    2012, JMLR 13:1393; together: Nguyen, Raghu and Kornblith 2021, arXiv:2010.15327.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(30, 5))
    >>> round(cka(X, 3 * X[:, ::-1] + 1), 6)
    1.0
    """
    K, L = (X @ X.T for X in _pair(first, second, group))
    criterion = _hsic if debiased else _centred
    below = criterion(K, K) * criterion(L, L)
    scale = float(np.trace(K) * np.trace(L)) ** 2
    return float(criterion(K, L) / np.sqrt(below)) if below > 1e-24 * scale else float("nan")


def rsa(
    first: ArrayLike,
    second: ArrayLike,
    *,
    distance: str = "euclidean",
    group: ArrayLike | None = None,
) -> float:
    r"""Representational similarity: whether two layers find the same pairs of patients alike.

    Use it as `cka`, where only the order of distances should count, or for layers against something else
    that has distances (readers' judgements, clinical scores). Not for how far apart two layers are.

    Spearman's correlation of :math:`d(x_i, x_j)` and :math:`d(y_i, y_j)` over all pairs :math:`i < j`. With
    Euclidean distances rotations, shifts and one scale for a layer change nothing; with ``"correlation"``,
    1 minus Pearson's over features, a shift and a scale for each sample change nothing.

    Parameters
    ----------
    first, second : array (n, d1), (n, d2)
        Activations; more axes are flattened.
    distance : str
        ``"euclidean"`` or ``"correlation"``.
    group : array (n,), optional
        Patients, whose rows are averaged first.

    Returns
    -------
    float
        Between -1 and 1; nan where all distances of a layer are equal.

    Raises
    ------
    MedgraftError
        As `cka`; or there is no such distance.

    Notes
    -----
    Cost O(n^2 (d1 + d2)). Source: Kriegeskorte, Mur and Bandettini 2008, doi:10.3389/neuro.06.004.2008.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(30, 5))
    >>> round(rsa(X, 3 * X[:, ::-1] + 1), 6)
    1.0
    """
    if distance not in DISTANCES:
        raise MedgraftError(f"There is no distance '{distance}': use one of {', '.join(DISTANCES)}.")
    a, b = (pdist(X, distance) for X in _pair(first, second, group))
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def _pair(first: ArrayLike, second: ArrayLike, group: ArrayLike | None) -> list[Floats]:
    """Return the two, centred, one row a patient."""
    given: list[Any] = [np.asarray(X, dtype=float) for X in (first, second)]
    n = len(given[0])
    if len(given[1]) != n:
        raise MedgraftError(f"Two layers of the same samples are compared, not of {n} and {len(given[1])}.")
    given = [X.reshape(n, -1) for X in given]
    if group is not None:
        names = np.asarray(group)
        if names.shape != (n,):
            raise MedgraftError(f"'group' has shape {names.shape}, but there are {n} rows: give one per row.")
        who = np.unique(names.astype(str), return_inverse=True)[1]
        n = int(who.max()) + 1
        mean = np.zeros((n, len(who)))
        mean[who, np.arange(len(who))] = 1.0
        given = [(mean / mean.sum(axis=1, keepdims=True)) @ X for X in given]
    if n < 4:
        raise MedgraftError(f"Layers are compared on four patients or more, not on {n}.")
    return [X - X.mean(axis=0) for X in given]


def _centred(K: Floats, L: Floats) -> float:
    return float((K * L).sum())


def _hsic(K: Floats, L: Floats) -> float:
    """Return the unbiased estimate of HSIC, up to a factor that all have."""
    n = len(K)
    K, L = (M - np.diag(np.diag(M)) for M in (K, L))
    both = float(K.sum() * L.sum()) / ((n - 1) * (n - 2))
    return float((K * L).sum()) + both - 2.0 / (n - 2) * float(K.sum(axis=0) @ L.sum(axis=0))
