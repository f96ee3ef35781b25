"""Rows of a table that are copies with rounded or slightly changed numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.neighbours import near_pairs
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.relatives import clusters
from medgraft.cohort.audit.rows import column_codes, surprise
from medgraft.cohort.audit.scopes import Copies, findings
from medgraft.cohort.labels import is_number

# A hundredth of the usual distance to the nearest row: among n rows of d independent columns chance makes
# about 0.7 n / 100^d such pairs.
_CLOSE = 0.01
_LEAST_COLUMNS = 4
_MAX_BITS = 4
_SAMPLE = 500


@check("near-equal-rows", kinds=("table",), title="Near copies of rows")
def near_equal_rows(case: Case) -> list[Finding]:
    """Rows whose numbers are almost those of another row.

    Two rows are near copies when their distance, columns scaled to standard deviation 1, is less than a
    hundredth of the median distance of a row to its nearest other row, nine of ten of all columns agree, and
    their values are rare enough not to meet by chance. It takes at least four columns with numbers of more
    than 10 values each.
    """
    values = _standard(case.frame)
    if values.shape[1] < _LEAST_COLUMNS or case.n < 10:
        return []
    first = np.unique(np.where(case.content == None, "", case.content).astype(str), return_index=True)[1]  # noqa: E711
    first = np.sort(first)
    if len(first) < 10:
        return []
    usual = _usual_distance(values[first])
    if usual <= 0:
        return []
    planes = np.random.default_rng(20240229).standard_normal((values.shape[1], 64))
    hashes = np.packbits(values[first] @ planes > 0, axis=1).view(np.uint64)
    pairs = first[near_pairs(hashes, _MAX_BITS)]
    distance = np.concatenate(
        [
            np.linalg.norm(values[p[:, 0]] - values[p[:, 1]], axis=1)
            for p in np.array_split(pairs, 1 + len(pairs) // 4096)
        ]
    )
    near = distance < _CLOSE * usual
    near[near] = _telling(case, pairs[near])
    pairs, distance = pairs[near], distance[near]
    order = np.argsort(distance, kind="stable")
    figures = {"distance": distance[order] / usual}
    numbers = {"columns": values.shape[1], "limit": _CLOSE, "sets": _sets(case.n, pairs)}
    return findings(case, Copies("near-equal-rows", "near copies", pairs[order], figures, numbers))


def _standard(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the columns of many-valued numbers, scaled; what is missing is at the mean."""
    columns = []
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        if not is_number(column):
            continue
        values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        values[~np.isfinite(values)] = np.nan
        if len(np.unique(values[~np.isnan(values)])) <= 10:
            continue
        middle, spread = np.nanmean(values), np.nanstd(values)
        if np.isfinite(spread) and spread > 0:
            columns.append(np.nan_to_num((values - middle) / spread))
    return np.stack(columns, axis=1) if columns else np.zeros((len(frame), 0))


def _telling(case: Case, pairs: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether two rows agree in nine of ten columns, and chance would hardly make them."""
    limit = np.log2(case.n) + 10
    near = np.zeros(len(pairs))
    for place in range(case.frame.shape[1]):
        column = case.frame.iloc[:, place]
        codes = column_codes(column)
        x, y = codes[pairs].T
        if is_number(column):
            spread = np.nanstd(codes) if np.isfinite(codes).any() else 0.0
            near += (np.abs(x - y) <= 0.01 * spread) | (np.isnan(x) & np.isnan(y))
        else:
            near += (x == y) | (np.isnan(x) & np.isnan(y))
    bits = surprise(case.frame, pairs[:, 0])
    return (near >= 0.9 * case.frame.shape[1]) & (bits > limit)


def _usual_distance(values: NDArray[np.float64]) -> float:
    """Return the median distance of a row to its nearest other row, from 500 rows."""
    rows = np.random.default_rng(0).permutation(len(values))[:_SAMPLE]
    squares = (values**2).sum(axis=1)
    nearest = []
    for i in rows:
        square = np.maximum(squares + squares[i] - 2 * values @ values[i], 0)
        square[i] = np.inf
        nearest.append(square.min())
    return float(np.sqrt(np.median(nearest)))


def _sets(n: int, pairs: NDArray[np.intp]) -> int:
    sizes = np.bincount(clusters(n, pairs))
    return int((sizes > 1).sum())
