"""Delimited text: which delimiter it has, whether it has a header, and the table itself."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.formats.text import MISSING, clean, decode, is_text

BLANKS = " "  # stands for any run of blanks and tabs
_DELIMITERS = (",", ";", "\t")
_SAMPLE_LINES = 50
_AGREEING = 0.9  # share of lines that are equally wide, below which blanks are tried too
_NUMERAL = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")


def sniff(text: str, *, blanks: bool = False) -> str:
    r"""Return the delimiter that splits the first lines into equally many fields.

    Of several it is the one that makes the most fields. Quoted delimiters do not count, and a single
    column has a comma.

    Parameters
    ----------
    text : str
        Its first 50 lines with something in them are looked at.
    blanks : bool, default False
        Whether runs of blanks may be the delimiter (`BLANKS`), where no other splits nine in ten lines
        alike.

    Examples
    --------
    >>> sniff("a;b\n1,5;2,5\n"), sniff('a\tb\n"1\t2"\t3'), sniff("a\n1\n")
    (';', '\t', ',')
    >>> sniff("1.0  2.5\n  3 4\n", blanks=True)
    ' '
    """
    lines = _sample(text)
    scores = {d: agreement(lines, d) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: scores[d])  # the first of equals: comma before semicolon before tab
    if blanks and scores[best][0] < _AGREEING:
        share, width = agreement(lines, BLANKS)
        if width > 1 and share > scores[best][0]:
            return BLANKS
    return best if scores[best][1] > 1 else ","


def agreement(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Return the share of lines with the commonest number of fields, and that number; (0, 1) for one."""
    counts = Counter(len(row) for row in fields(lines, delimiter) if row)
    width, agreeing = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    return (agreeing / sum(counts.values()) if width > 1 else 0.0, width)


def fields(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Split lines into fields; quotes are heeded."""
    if delimiter == BLANKS:
        lines = (re.sub(r"[ \t]+", " ", line.strip()) for line in lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def looks_like_table(text: str) -> bool:
    r"""Whether the lines of a text are at least two and split alike into two fields or more.

    Where blanks split them, each line but the first has a number.

    Examples
    --------
    >>> looks_like_table("1 2\n3 4\n"), looks_like_table("Read this first.\nThen cite the paper.\n")
    (True, False)
    """
    lines = _sample(text)
    delimiter = sniff(text, blanks=True)
    rows = list(fields(lines, delimiter))
    share, width = agreement(lines[1:], delimiter)
    named = len(rows[0]) == width or 1 < len(rows[0]) == width - 1  # row names have no name themselves
    if width < 2 or share < _AGREEING or not named:
        return False
    # Sentences have blanks too, and now and then equally many.
    return delimiter != BLANKS or all(any(map(is_numeral, row)) for row in rows[1:])


def is_numeral(cell: str) -> bool:
    """Whether a cell is written as a number; a decimal comma will do."""
    return _NUMERAL.fullmatch(cell) is not None


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first of some rows holds the names of the columns.

    It does not when every cell is a number or missing. Among numbers, or among texts that repeat, a text
    that stands in its own column again is a category and no name. Names that merely count (0, 1, 2, 3
    and on, as pandas writes them for a matrix) are names.

    Examples
    --------
    >>> has_header([["age", "ill"], ["50", "1"]]), has_header([["5.1", "3.5"], ["4.9", "?"]])
    (True, False)
    >>> has_header([["5.1", "setosa"], ["4.9", "setosa"]]), has_header([list("01234"), list("26481")])
    (False, True)
    """
    first = [cell.strip() for cell in rows[0]]
    texts = [i for i, cell in enumerate(first) if cell not in MISSING and not is_numeral(cell)]
    known = [cell for cell in first if cell not in MISSING]
    if not texts:
        n = len(known)
        return n > 3 and known in ([str(i) for i in range(n)], [str(i + 1) for i in range(n)])
    among_data = len(texts) < len(known) or len({first[i] for i in texts}) < len(texts)
    others = [row for row in rows[1:] if [cell.strip() for cell in row] != first]
    again = any(i < len(row) and row[i].strip() == first[i] for row in others for i in texts)
    return not (among_data and again)


def read_delimited(path: Path, say: Say, *, blanks: bool = False) -> pd.DataFrame:
    """Return the table in a text file; columns without a header are named column_1, column_2 and on.

    Blanks around cells do not count, ``?`` and ``NA`` and the like are missing values, and decimal commas
    are numbers where the comma is not the delimiter.

    Parameters
    ----------
    path : path
    say : callable
        Takes warnings.
    blanks : bool, default False
        Whether runs of blanks may be the delimiter.

    Raises
    ------
    MedgraftError
        The file is empty, is no text, or its rows are wider than its header.
    """
    text = decode(path.read_bytes())
    if not text.strip():
        raise MedgraftError(f"The file '{path}' is empty: it needs a header line and rows.")
    delimiter = sniff(text, blanks=blanks)
    first = list(islice((row for row in fields(io.StringIO(text), delimiter) if row), _SAMPLE_LINES))
    if has_header(first):
        frame = _with_header(path, text, delimiter, first, say)
    else:
        frame = _headerless(text, delimiter, first, say)
    return _decimal_commas(frame, say) if delimiter != "," else frame


def _sample(text: str) -> list[str]:
    return [line for line in text[:100_000].splitlines() if line.strip()][:_SAMPLE_LINES]


def _with_header(path: Path, text: str, delimiter: str, first: list[list[str]], say: Say) -> pd.DataFrame:
    header, rows = first[0], first[1:]
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
    return clean(frame)


def _headerless(text: str, delimiter: str, first: list[list[str]], say: Say) -> pd.DataFrame:
    frame = clean(_parse(text, delimiter, header=None))
    if frame.shape[1] > 1 and all(row[-1] == "" for row in first) and frame.iloc[:, -1].isna().all():
        frame = frame.iloc[:, :-1]  # every row ends with a delimiter
    frame.columns = pd.Index([f"column_{i + 1}" for i in range(frame.shape[1])])
    say(
        "The first line holds values, so the table has no header: its columns are named column_1 to "
        f"column_{frame.shape[1]}, and columns=[...] gives them other names."
    )
    return frame


def _parse(
    text: str,
    delimiter: str,
    *,
    index_col: Literal[False] | None = None,
    header: Literal["infer"] | None = "infer",
) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # pandas only warns when it drops cells
        return pd.read_csv(
            io.StringIO(text),
            sep=r"\s+" if delimiter == BLANKS else delimiter,
            header=header,
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
