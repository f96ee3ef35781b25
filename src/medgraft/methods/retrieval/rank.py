"""Candidates in the order of their cosine similarity to a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.methods.splits import Floats

CHUNK = 2**24  # cosines held at a time


def rank(
    queries: ArrayLike,
    candidates: Mapping[str, ArrayLike],
    how: str = "mean",
    *,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    r"""Rank candidates, each known by several vectors, by their cosine similarity to each query.

    Use it where the target has no label at all: which of these proteins may bind this microRNA? Not as proof
    that it does: with whatever queries, some candidate comes first. Rank queries whose candidate is known
    beside it (`true_ranks`).

    With :math:`\cos(q, c) = q^T c / (|q| |c|)`, 0 where one has no length, and the vectors
    :math:`c_1 .. c_m` of a candidate, its similarity to q is

    .. math:: \frac1m \sum_j \cos(q, c_j), \qquad \max_j \cos(q, c_j) \qquad \text{or} \qquad
        \cos\Bigl(q, \frac1m \sum_j c_j\Bigr)

    for ``"mean"`` (the study's), ``"max"`` and ``"centroid"``. The mean is lower for a candidate whose
    vectors differ among themselves, whatever the query; the centroid is not.

    Parameters
    ----------
    queries : array (q, d)
        Embeddings (see `embed`).
    candidates : mapping of str to array (m, d)
        Embeddings of what is known of each candidate; m may differ.
    how : {"mean", "max", "centroid"}
    names : sequence of str, optional
        Of the queries; default their numbers from 0.

    Returns
    -------
    DataFrame
        One row for each query and candidate: ``query``, ``rank`` (from 1; of equals each has the last rank
        among them, so that ties earn nothing), ``candidate``, ``similarity``. Queries in their order,
        candidates by rank, then name.

    Raises
    ------
    MedgraftError
        An array is empty, has gaps or another width, or there is no such `how`.

    Notes
    -----
    Cost O((q + n) d + q K) for n vectors of K candidates, and O(q n d) for ``"max"``, with bounded memory.

    References
    ----------
    Azizian et al. (2024), doi:10.1186/s12859-024-05985-2

    Examples
    --------
    >>> known = {"P": [[1.0, 0.0], [0.0, 1.0]], "Q": [[0.6, 0.8]]}
    >>> rank([[1.0, 0.0]], known, names=["miR-1"])
       query  rank candidate  similarity
    0  miR-1     1         Q         0.6
    1  miR-1     2         P         0.5
    """
    if how not in HOW:
        raise MedgraftError(f"how='{how}' does not exist: use one of {', '.join(HOW)}.")
    if not candidates:
        raise MedgraftError("There is no candidate to rank.")
    Q = _checked(queries, "The queries")
    order = sorted(candidates)
    known = [_checked(candidates[name], f"The candidate '{name}'", Q.shape[1]) for name in order]
    said = list(range(len(Q))) if names is None else list(names)
    if len(said) != len(Q):
        raise MedgraftError(f"There are {len(Q)} queries and {len(said)} names of them: give one each.")
    S = np.column_stack([HOW[how](unit(Q), C) for C in known]).round(12)  # so that equals are equal
    last = (S[:, None, :] >= S[:, :, None]).sum(axis=2)
    best = np.argsort(-S, axis=1, kind="stable")
    return pd.DataFrame(
        {
            "query": np.repeat(np.array(said, dtype=object if names is not None else np.intp), len(order)),
            "rank": np.take_along_axis(last, best, axis=1).ravel(),
            "candidate": np.array(order, dtype=object)[best].ravel(),
            "similarity": np.take_along_axis(S, best, axis=1).ravel(),
        }
    )


def unit(E: Floats) -> Floats:
    """Rows at length 1; a row without length stays zero."""
    length = np.linalg.norm(E, axis=1, keepdims=True)
    return np.divide(E, length, out=np.zeros_like(E), where=length > 0)


def _mean(Q: Floats, C: Floats) -> Floats:
    return np.asarray(Q @ unit(C).mean(axis=0))


def _max(Q: Floats, C: Floats) -> Floats:
    known, step = unit(C).T, max(1, CHUNK // len(C))
    return np.concatenate([(Q[i : i + step] @ known).max(axis=1) for i in range(0, len(Q), step)])


def _centroid(Q: Floats, C: Floats) -> Floats:
    return np.asarray(Q @ unit(C.mean(axis=0, keepdims=True))[0])


HOW: dict[str, Callable[[Floats, Floats], Floats]] = {"mean": _mean, "max": _max, "centroid": _centroid}


def _checked(given: ArrayLike, what: str, d: int | None = None) -> Floats:
    E = np.array(given, dtype=float)
    if E.ndim != 2 or not E.size or (d is not None and E.shape[1] != d):
        width = "d" if d is None else str(d)
        raise MedgraftError(f"{what} must be an array (n, {width}) with a row or more, not {E.shape}.")
    if not np.isfinite(E).all():
        raise MedgraftError(f"{what} has a gap in row {int(np.argwhere(~np.isfinite(E))[0, 0])}: drop it.")
    return E
