"""How high the right candidate is ranked, with intervals over queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.interval import Interval, interval
from medgraft.methods.splits import Ints

FEWEST = 4  # queries that must differ from the commonest rank before resampling tells anything


def true_ranks(ranked: pd.DataFrame, truth: Mapping[Any, str] | Sequence[str]) -> Ints:
    """Return at which rank each query's right candidate stands.

    Use it on queries whose candidate is known, kept apart from the candidates' vectors: a window that
    overlaps one of them is found by its letters alone.

    Parameters
    ----------
    ranked : DataFrame
        Of `rank`.
    truth : mapping, or sequence (q,) of str
        The right candidate of each query, by its name or in the order of the queries.

    Returns
    -------
    array (q,) of int
        From 1, in the order of the queries.

    Raises
    ------
    MedgraftError
        A query has no truth, or its truth is not among the candidates.

    Examples
    --------
    >>> from medgraft.methods.retrieval import rank
    >>> ranked = rank([[1.0, 0.0], [0.0, 1.0]], {"P": [[1.0, 0.0]], "Q": [[1.0, 1.0]]})
    >>> true_ranks(ranked, ["P", "P"]).tolist()
    [1, 2]
    """
    order = list(dict.fromkeys(ranked["query"]))
    if not isinstance(truth, Mapping):
        if len(truth) != len(order):
            raise MedgraftError(f"There are {len(order)} queries and {len(truth)} truths: give one each.")
        truth = dict(zip(order, truth, strict=True))
    if missing := [query for query in order if query not in truth]:
        raise MedgraftError(f"The query '{missing[0]}' has no right candidate: leave it out.")
    right = ranked[ranked["candidate"] == ranked["query"].map(dict(truth))]
    if len(right) != len(order):
        lost = next(q for q in order if q not in set(right["query"]))
        raise MedgraftError(f"'{truth[lost]}' is no candidate, but that of the query '{lost}': add it.")
    return right["rank"].to_numpy(dtype=np.intp)


def top_k(
    ranks: ArrayLike, k: int = 1, *, group: ArrayLike | None = None, n_boot: int = 2000, seed: int = 0
) -> Interval:
    r"""Share of queries whose right candidate is among the first k, with an interval over queries.

    Use it with the k that somebody would look at. Not without what chance gives, k / K for K candidates.

    .. math:: \frac1q \sum_i 1[r_i \le k]

    Parameters
    ----------
    ranks : array (q,) of int
        Of `true_ranks`.
    k : int, default 1
    group : array (q,), optional
        What queries belong together (a gene, a patient): drawn as one. Default every query its own.
    n_boot, seed : int
        Draws of the bootstrap.

    Returns
    -------
    Interval
        At 0 and 1 the exact bound (see `medgraft.evidence.interval.interval`).

    Raises
    ------
    MedgraftError
        `ranks` are not whole numbers from 1, or `k` is not.

    Examples
    --------
    >>> top_k([1, 3, 2, 1], k=2).value
    0.75
    """
    r = _checked(ranks)
    if k < 1:
        raise MedgraftError(f"Among the first {k} is nothing: use k=1 or more.")
    hit = (r <= k).astype(float)
    p = np.column_stack([1 - hit, hit])
    return interval("accuracy", np.ones(len(r), dtype=int), p, group=group, n_boot=n_boot, seed=seed)


def mean_reciprocal_rank(
    ranks: ArrayLike, *, group: ArrayLike | None = None, n_boot: int = 2000, seed: int = 0
) -> Interval:
    r"""Mean of one over the rank of the right candidate, with an interval over queries.

    Use it where one candidate is right and the first ranks matter most. Not without what chance gives,
    :math:`\frac1K \sum_{r=1}^K \frac1r` for K candidates.

    .. math:: \frac1q \sum_i \frac1{r_i}

    Parameters
    ----------
    ranks, group, n_boot, seed
        As in `top_k`.

    Returns
    -------
    Interval
        Where all are first, with the exact bound of `top_k`; where fewer than four have another rank than
        most, without ends.

    Raises
    ------
    MedgraftError
        `ranks` are not whole numbers from 1.

    References
    ----------
    Voorhees (1999), The TREC-8 question answering track report

    Examples
    --------
    >>> mean_reciprocal_rank([1, 2, 4]).value.__round__(4)
    0.5833
    """
    r = _checked(ranks)
    if r.max() == 1:  # no spread to resample: it is at least the share ranked first
        return top_k(r, group=group, n_boot=n_boot, seed=seed)
    found = interval("mae", np.zeros(len(r)), 1 / r, group=group, n_boot=n_boot, seed=seed)
    if len(r) - np.unique(r, return_counts=True)[1].max() >= FEWEST:
        return found
    note = "Nearly all queries rank their candidate alike: resampling shows too little spread."
    return Interval(found.value, np.nan, np.nan, found.level, note)


def _checked(ranks: ArrayLike) -> Ints:
    r = np.asarray(ranks)
    if r.ndim != 1 or not len(r) or not np.issubdtype(r.dtype, np.integer) or r.min() < 1:
        raise MedgraftError("Ranks are whole numbers from 1, one for each query: see true_ranks.")
    return r.astype(np.intp)
