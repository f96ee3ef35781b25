"""Wide tables: columns that move together enter and leave together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import MiniBatchKMeans

from medgraft.base import MedgraftError
from medgraft.methods.splits import Ints
from medgraft.methods.table import Table

MOST = 64  # blocks


def blocks_of(frame: pd.DataFrame, given: Sequence[Any] | None, most: int = MOST, seed: int = 0) -> Ints:
    r"""Return the block of each column, numbered from 0 in the order of their first columns.

    Use it before an explanation that asks the model anew for each column. Not where columns are few: each
    is a block of its own up to `most`.

    Number columns are standardised over the rows, :math:`z_j`, and the profiles :math:`\pm z_j` (the sign of
    the largest entry positive) are put into clusters by k-means; words are one block.

    Parameters
    ----------
    frame : DataFrame (n, p)
        Rows of several patients.
    given : sequence of p names, optional
        Blocks by name (pathways, chromosomes), which are taken as they are.
    most : int
        Number of blocks.
    seed : int
        Of the clusters.

    Returns
    -------
    array (p,) of int

    Raises
    ------
    MedgraftError
        There is not one name a column.

    Notes
    -----
    Cost O(n p most) a pass. Source of the clusters: MacQueen 1967; scikit-learn's mini-batches.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0], "c": [2.0, 2.0]})
    >>> blocks_of(frame, None).tolist(), blocks_of(frame, ["x", "y", "x"]).tolist()
    ([0, 1, 2], [0, 1, 0])
    """
    p = frame.shape[1]
    if given is not None:
        if len(given) != p:
            raise MedgraftError(f"There are {len(given)} names of blocks for {p} columns: give one a column.")
        return numbered(np.unique(np.asarray(given).astype(str), return_inverse=True)[1])
    if p <= most:
        return np.arange(p)
    table = Table.of(frame)
    Z = np.nan_to_num(table.numbers - np.nanmean(table.numbers, axis=0))
    size = np.sqrt((Z**2).sum(axis=0))
    Z = Z / np.where(size > 0, size, 1.0)
    Z = Z * np.where(Z[np.abs(Z).argmax(axis=0), np.arange(Z.shape[1])] < 0, -1.0, 1.0)
    out = np.full(p, most)
    number = np.asarray(table.number)
    clusters = min(most - (not number.all()), int(number.sum()))
    if clusters > 0:
        made = MiniBatchKMeans(clusters, random_state=seed, n_init=3, batch_size=2048).fit_predict(Z.T)
        out[number] = made
    return numbered(out)


def numbered(code: Ints) -> Ints:
    """Number codes from 0 in the order in which they turn up."""
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return np.asarray(rank[inverse.reshape(-1)], dtype=np.intp)


def block_names(columns: Sequence[Any], block: Ints) -> list[str]:
    """Return a name for each block: its column's, or its first column's and how many more there are.

    Examples
    --------
    >>> block_names(["a", "b", "c"], np.array([0, 1, 0]))
    ['a and 1 more', 'b']
    """
    names = []
    for k in range(int(block.max()) + 1):
        mine = np.flatnonzero(block == k)
        more = f" and {len(mine) - 1:,} more" if len(mine) > 1 else ""
        names.append(f"{columns[mine[0]]}{more}")
    return names
