"""One kind of table out of every file: columns of numbers, bools, text or times, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.labels import names


def tidy(frame: pd.DataFrame, where: str | Path, say: Say) -> pd.DataFrame:
    """Return the table with text names, index 0 to n-1, and each column of one plain kind.

    Numbers are numpy ints or floats (missing: NaN, also for infinities), bools are bool without missing
    values, times are datetime64; everything else is text or missing.

    Parameters
    ----------
    frame : DataFrame
        As a format gave it; it is not changed.
    where : path
        For messages.
    say : callable
        Takes warnings.

    Raises
    ------
    MedgraftError
        Two columns have the same name.
    """
    labels = [_text(c) for c in frame.columns]
    twice = [c for c, count in Counter(labels).items() if count > 1]
    if twice:
        raise MedgraftError(f"'{where}' has two columns named '{twice[0]}': rename one of them.")
    columns: dict[str, pd.Series[Any]] = {}
    infinite = []
    for i, label in enumerate(labels):
        values = frame.iloc[:, i].reset_index(drop=True)
        if label.startswith("Unnamed:") and bool(values.isna().all()):
            continue  # what a delimiter at the end of every line leaves
        columns[label] = _plain(values)
        if pd.api.types.is_float_dtype(columns[label]) and np.isinf(columns[label].to_numpy()).any():
            columns[label] = columns[label].replace([np.inf, -np.inf], np.nan)
            infinite.append(label)
    if infinite:
        say(f"Infinite values in the columns {', '.join(map(repr, infinite))} are taken for missing.")
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _text(column: object) -> str:
    return "_".join(map(str, column)) if isinstance(column, tuple) else str(column).strip()


def _plain(values: pd.Series[Any]) -> pd.Series[Any]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _as_text(values)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return values
    if pd.api.types.is_bool_dtype(dtype):
        # A nullable bool with gaps cannot be a numpy bool: it is a category of two values.
        return _as_text(values) if values.isna().any() else values.astype(bool)
    if pd.api.types.is_complex_dtype(dtype):
        return _as_text(values)
    if pd.api.types.is_numeric_dtype(dtype):
        if values.isna().any() or not isinstance(dtype, np.dtype):
            whole = pd.api.types.is_integer_dtype(dtype) and not values.isna().any()
            return pd.Series(
                values.to_numpy(dtype=np.int64 if whole else np.float64, na_value=0 if whole else np.nan)
            )
        return values.astype(np.float64) if dtype == np.float16 else values
    if pd.api.types.is_object_dtype(dtype):
        kind = pd.api.types.infer_dtype(values, skipna=True)
        if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
            return pd.to_numeric(values.astype(object).where(values.notna(), np.nan).astype(np.float64))
        if kind == "boolean" and not values.isna().any():
            return values.astype(bool)
        if kind in ("datetime", "datetime64", "date"):
            return pd.to_datetime(values, errors="coerce")
    return _as_text(values)


def _as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    try:
        text = names(values)
    except TypeError:  # lists and the like cannot be factorised
        text = np.array([None if v is None else str(v) for v in values], dtype=object)
    # A list, so that pandas chooses its own text type.
    return pd.Series(
        [np.nan if t is None else t for t in text], dtype=None if any(t is not None for t in text) else float
    )
