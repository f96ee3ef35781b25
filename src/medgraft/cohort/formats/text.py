"""What text formats share: bytes to text, and text cells to values."""

from __future__ import annotations

import codecs
import math
from typing import Any

import pandas as pd

# Not "None" and not ".": they are real categories of real tables.
MISSING = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "<NA>", "#N/A", "#NA")


def decode(content: bytes) -> str:
    """Return the text of a file: UTF-16 if marked so, else UTF-8, else Latin-1 (which never fails)."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def is_text(values: pd.Series[Any]) -> bool:
    """Whether a column's cells are text, or text among other things."""
    return pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.StringDtype)


def clean(frame: pd.DataFrame, *, numbers: bool = True) -> pd.DataFrame:
    """Strip blanks around text cells; make markers of missing values NaN, and numerals numbers.

    A column becomes numeric only when every cell that is not missing is a number, and never when
    `numbers` is False.

    Examples
    --------
    >>> clean(pd.DataFrame({"a": [" 1", "?"], "b": ["x ", "NA"]})).to_dict("list")
    {'a': [1.0, nan], 'b': ['x', nan]}
    """
    if not any(is_text(frame.iloc[:, i]) for i in range(frame.shape[1])):
        return frame
    columns = []
    for i in range(frame.shape[1]):
        values = frame.iloc[:, i]
        columns.append(_clean(values, numbers) if is_text(values) else values)
    return pd.concat(columns, axis=1, keys=list(frame.columns))


def _clean(values: pd.Series[Any], numbers: bool) -> pd.Series[Any]:
    # Only text is touched: a workbook's column may hold numbers, dates and text at once.
    cells = [c.strip() if isinstance(c, str) else c for c in values.tolist()]
    cells = [math.nan if isinstance(c, str) and c in MISSING else c for c in cells]
    known = [c for c in cells if not _is_missing(c)]
    if numbers and known and all(isinstance(c, str) for c in known):
        parsed = pd.to_numeric(pd.Series(cells, index=values.index, dtype=object), errors="coerce")
        if int(parsed.notna().sum()) == len(known):
            return parsed
    return pd.Series(cells, index=values.index, dtype=object)


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and cell != cell)
