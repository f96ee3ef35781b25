"""Table one: who the patients are, column by column, and no cell that tells of a few of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort import Cohort
from medgraft.cohort.labels import name, names

FEWEST = 10  # smaller counts may tell who it is; as in the report's subgroups
_MOST_VARIABLES = 30
_MOST_LEVELS = 8
_MOST_PARTS = 6


def table_one(data: Cohort, part: NDArray[Any], target: str | None) -> dict[str, Any] | None:
    """Describe the rows of each part of a cohort: protected attributes, then features of a table.

    Numbers: median and quartiles, of ten values or more. Categories: counts of the rows that have a value.
    A level with a count of one to nine in any column is withheld in all of them, and with it so many of the
    next smallest levels that no column's withheld sum is below twice ten: subtraction would tell. Where there
    is one part only, its classes are the columns.

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
    gaps = [round(float(values[rows].isna().mean()), 2) if rows.any() else None for rows in by.values()]
    if number:
        cells: list[Any] = [_quartiles(values[rows].dropna()) for rows in by.values()]
    else:
        known = pd.Series(names(values), index=values.index, dtype=object)
        common = [name(v) for v in known.value_counts().index[:_MOST_LEVELS]]
        counts = [_counts(known[rows].dropna(), common) for rows in by.values()]
        if not any(c["others"] for c in counts):
            counts = [{k: n for k, n in c.items() if k != "others"} for c in counts]
        cells = withheld(counts)
    return {"name": title, "kind": "number" if number else "category", "missing": gaps, "cells": cells}


def _quartiles(values: pd.Series[Any]) -> list[float] | None:
    if len(values) < FEWEST:
        return None
    middle, lo, hi = np.quantile(values.to_numpy(dtype=float), [0.5, 0.25, 0.75])
    return [float(middle), float(lo), float(hi)]


def _counts(values: pd.Series[Any], common: list[str]) -> dict[str, int]:
    counts = values.value_counts()
    found = {level: int(counts.get(level, 0)) for level in common}
    return found | {"others": len(values) - sum(found.values())}


def withheld(columns: list[dict[str, int]], fewest: int = FEWEST) -> list[dict[str, int | None]]:
    """Return counts by column with small levels withheld in all columns, and neighbours that would tell them.

    Examples
    --------
    >>> withheld([{"a": 40, "b": 30, "c": 25}, {"a": 40, "b": 21, "c": 3}])[1]
    {'a': 40, 'b': None, 'c': None}
    >>> withheld([{"a": 40, "b": 12}])
    [{'a': 40, 'b': 12}]
    """
    levels = list(columns[0])
    small = {k for k in levels if any(0 < c[k] < fewest for c in columns)}
    rest = sorted((k for k in levels if k not in small), key=lambda k: sum(c[k] for c in columns))

    def told() -> bool:
        sums = [sum(c[k] for k in small) for c in columns]
        return any(0 < total < 2 * fewest for total in sums) or len(small) == 1

    while small and rest and told():
        small.add(rest.pop(0))
    return [{k: None if k in small else c[k] for k in levels} for c in columns]
