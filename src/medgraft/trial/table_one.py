"""Table one: who the patients are, column by column, and no cell that tells of a few of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort import Cohort
from medgraft.cohort.labels import name, names

FEWEST = 5  # smaller counts may tell who it is
_MOST_VARIABLES = 30
_MOST_LEVELS = 8
_MOST_PARTS = 6


def table_one(data: Cohort, part: NDArray[Any], target: str | None) -> dict[str, Any] | None:
    """Describe the rows of each part of a cohort: protected attributes, then features of a table.

    Numbers: median and quartiles. Categories: counts and shares of the rows that have a value. Counts of one
    to four are withheld, and with a single one of a variable its next smaller neighbour, since subtraction
    would tell. Where there is one part only, its classes are the columns.

    Parameters
    ----------
    data : Cohort
    part : (n,) array of str
        The domain of each row, or whether it trains or tests.
    target : str or None
        The part that comes first. Of more than six parts the others are joined.

    Returns
    -------
    dict or None
        ``columns``: {"name", "rows"}; ``variables``: {"name", "kind", "missing", "cells"}, the cells of a
        number ``[median, first quartile, third quartile]``, of a category {level: count}, None where
        withheld. None where there is nothing to describe.
    """
    variables = list(dict.fromkeys([*data.protected, *(data.features if data.kind != "omics" else ())]))
    shown = [v for v in variables if v in data.table][:_MOST_VARIABLES]
    if not shown:
        return None
    by = _columns(data, part.astype(str), target)
    return {
        "columns": [{"name": k, "rows": int(rows.sum())} for k, rows in by.items()],
        "variables": [_variable(v, data.table[v], by) for v in shown],
        "more": len(variables) - len(shown),
    }


def _columns(data: Cohort, part: NDArray[Any], target: str | None) -> dict[str, NDArray[np.bool_]]:
    parts = list(np.unique(part))
    if len(parts) == 1 and data.classes is not None and data.y.ndim == 1:
        return {k: data.y == i for i, k in enumerate(data.classes)} | {"all": np.ones(data.n, bool)}
    if len(parts) > _MOST_PARTS and target is not None:
        return {target: part == target, "all others": part != target}
    if len(parts) > _MOST_PARTS:
        return {"all": np.ones(data.n, bool)}
    parts.sort(key=lambda p: p != target)
    return {p: part == p for p in parts}


def _variable(title: str, values: pd.Series[Any], by: dict[str, NDArray[np.bool_]]) -> dict[str, Any]:
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    number = numeric and values.nunique() > 5
    gaps = [round(float(values[rows].isna().mean()), 4) if rows.any() else None for rows in by.values()]
    if number:
        cells: list[Any] = [_quartiles(values[rows].dropna()) for rows in by.values()]
    else:
        known = pd.Series(names(values), index=values.index, dtype=object)
        common = [name(v) for v in known.value_counts().index[:_MOST_LEVELS]]
        cells = [_counts(known[rows].dropna(), common) for rows in by.values()]
    return {"name": title, "kind": "number" if number else "category", "missing": gaps, "cells": cells}


def _quartiles(values: pd.Series[Any]) -> list[float] | None:
    if len(values) < FEWEST:
        return None
    middle, lo, hi = np.quantile(values.to_numpy(dtype=float), [0.5, 0.25, 0.75])
    return [float(middle), float(lo), float(hi)]


def _counts(values: pd.Series[Any], common: list[str]) -> dict[str, int | None]:
    counts = values.value_counts()
    found = {level: int(counts.get(level, 0)) for level in common}
    rest = len(values) - sum(found.values())
    if rest:
        found["others"] = rest
    return dict(withheld(found))


def withheld(counts: dict[str, int]) -> dict[str, int | None]:
    """Return counts with those of one to four withheld, and a lone one's smallest neighbour too.

    Examples
    --------
    >>> withheld({"a": 40, "b": 3, "c": 9}), withheld({"a": 40, "b": 2, "c": 3})
    ({'a': 40, 'b': None, 'c': None}, {'a': 40, 'b': None, 'c': None})
    """
    small = [k for k, n in counts.items() if 0 < n < FEWEST]
    if len(small) == 1:
        others = [k for k, n in counts.items() if n >= FEWEST]
        small += sorted(others, key=lambda k: counts[k])[:1]
    return {k: None if k in small else n for k, n in counts.items()}
