"""Rows of a table that are equal, and whether chance alone makes rows equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.labels import is_number, names


def row_hashes(frame: pd.DataFrame) -> NDArray[np.object_]:
    """Return a 64-bit hash of each row, (n,): equal for equal rows, in whatever way numbers are stored.

    A row in which everything is missing has the hash None.

    Examples
    --------
    >>> h = row_hashes(pd.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "x"]}))
    >>> h[0] == h[1], h[0] == h[2]
    (True, False)
    """
    total = np.zeros(len(frame), dtype=np.uint64)
    missing = np.ones(len(frame), dtype=bool)
    for place in range(frame.shape[1]):
        own = pd.util.hash_array(column_codes(frame.iloc[:, place]))
        total = (total * np.uint64(0x9E3779B97F4A7C15) + own) ^ (total >> np.uint64(29))
        missing &= frame.iloc[:, place].isna().to_numpy()
    hashes: NDArray[np.object_] = total.astype(object)
    hashes[missing] = None
    return hashes


def column_codes(values: pd.Series) -> NDArray[np.float64]:  # type: ignore[type-arg]
    """Return a column as numbers that are equal where its values are: numbers as they are, text as hashes."""
    if is_number(values):
        wide = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isnan(wide), np.nan, wide + 0.0)  # +0.0 makes -0.0 to 0.0
    text = names(values)
    known = np.array([t is not None for t in text], dtype=bool)
    out = np.full(len(text), np.nan)
    if known.any():
        hashed = pd.util.hash_array(text[known].astype(object), categorize=True)
        out[known] = (hashed >> np.uint64(12)).astype(np.float64)  # 52 bits are exact in a float
    return out


def surprise(frame: pd.DataFrame, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    r"""Return how many bits of coincidence it takes to meet the values of given rows, (len(rows),).

    :math:`-\sum_j \log_2 f_j(x_{ij})` with :math:`f_j` the share of rows with that value in column :math:`j`:
    among n rows of independent columns, an equal row is expected with less than 0.001 when it is above
    :math:`\log_2 n + 10`.
    """
    bits = np.zeros(len(rows))
    for place in range(frame.shape[1]):
        codes, _ = pd.factorize(column_codes(frame.iloc[:, place]), use_na_sentinel=False)
        share = np.bincount(codes) / max(1, len(codes))
        bits -= np.log2(share[codes[rows]])
    return bits
