"""Delimited text: .csv and .tsv, whichever delimiter they really use."""

from __future__ import annotations

import csv
import io
import warnings
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.text import MISSING, clean, decode, is_text

_DELIMITERS = (",", ";", "\t")
_SAMPLE_LINES = 50


def sniff(text: str) -> str:
    r"""Return the delimiter that splits the first lines into equally many fields.

    Of several it is the one that makes the most fields. Quoted delimiters do not count, and a single
    column has a comma.

    Examples
    --------
    >>> sniff("a;b\n1,5;2,5\n"), sniff('a\tb\n"1\t2"\t3'), sniff("a\n1\n")
    (';', '\t', ',')
    """
    lines = [line for line in text[:100_000].splitlines() if line.strip()][:_SAMPLE_LINES]

    def score(delimiter: str) -> tuple[float, int]:
        counts = Counter(
            len(fields) for fields in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        )
        width, agreeing = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        return (agreeing / sum(counts.values()) if width > 1 else 0.0, width)

    scores = {d: score(d) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: scores[d])  # the first of equals: comma before semicolon before tab
    return best if scores[best][1] > 1 else ","


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the table; blanks around cells do not count, and ``?`` and ``NA`` are missing values."""
    text = decode(path.read_bytes())
    if not text.strip():
        raise MedgraftError(f"The file '{path}' is empty: it needs a header line and rows.")
    delimiter = sniff(text)
    header, rows = _head(text, delimiter)
    surplus = len(rows[0]) - len(header) if rows else 0
    if surplus > 1:
        raise MedgraftError(
            f"The rows of '{path}' have more fields than its header line: correct the header."
        )
    # Left alone, pandas takes a surplus first field for the index. That is right for the row names of R's
    # write.table, and shifts every column by one where rows merely end with a delimiter.
    ends = surplus == 1 and all(row[-1] == "" for row in rows if len(row) > len(header))
    frame = _parse(text, delimiter, index_col=False if ends else None)
    if surplus == 1 and not ends:
        frame = frame.reset_index(drop=True)
        say("The first column has no name; it was taken for row names and is not used.")
    frame = clean(frame)
    return _decimal_commas(frame, say) if delimiter != "," else frame


def _head(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """Return the header's fields and those of the first rows."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    lines = list(islice((fields for fields in reader if fields), _SAMPLE_LINES))
    return (lines[0], lines[1:]) if lines else ([], [])


def _parse(text: str, delimiter: str, index_col: Literal[False] | None) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # pandas only warns when it drops cells
        return pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            keep_default_na=False,
            na_values=list(MISSING),
            skipinitialspace=True,
            low_memory=False,
            index_col=index_col,
        )


def _decimal_commas(frame: pd.DataFrame, say: Say) -> pd.DataFrame:
    frame = frame.copy()
    for column in frame.columns:
        values = frame[column]
        if not isinstance(values, pd.Series) or not is_text(values):
            continue
        known = values.dropna().astype(str)
        if len(known) and known.str.fullmatch(r"[+-]?\d+(,\d+)?").all():
            frame[column] = pd.to_numeric(
                values.astype(object).where(values.isna(), values.astype(str).str.replace(",", "."))
            )
            say(f"The commas in the column '{column}' were read as decimal points.")
    return frame


def matches(path: Path) -> bool:
    """Whether a file is delimited text; any text could be, so only the suffix tells."""
    return False


FORMAT = register(Format("csv_tsv", (".csv", ".tsv"), matches, read))
