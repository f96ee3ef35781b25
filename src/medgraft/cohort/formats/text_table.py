"""Tables in text files of other names: .data, .txt and .dat, with a header or without."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register, signal_text
from medgraft.cohort.formats.delimited import looks_like_table, read_delimited
from medgraft.cohort.formats.folders import head

SUFFIXES = (".data", ".txt", ".dat")


def matches(path: Path) -> bool:
    """Whether a file is a table: lines that split alike, and are no sequences, signal or series matrix."""
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        return False
    text = head(path)
    return is_table(text)


def is_table(text: str) -> bool:
    """Whether the start of a text file is that of a table; never raises."""
    from medgraft.cohort.formats.sequence_text import is_labelled_sequences

    if not text.strip() or text.lstrip()[0] in ">!^@" or is_labelled_sequences(text):
        return False
    try:
        return looks_like_table(text)
    except Exception:  # the csv module has limits of its own
        return False


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the table; the delimiter is a comma, semicolon, tab or any run of blanks.

    Raises
    ------
    MedgraftError
        The file is binary, or its lines split into different numbers of fields.
    """
    if path.stat().st_size and not head(path, 4096).strip() and _is_binary(path):
        raise MedgraftError(
            f"'{path}' is no text: if it belongs to a WFDB record, give the record's .hea file or its folder."
        )
    text = head(path)
    if text.count("\n") > 1 and not is_table(text):
        raise MedgraftError(
            f"'{path}' is no table, for its lines have different numbers of fields: if it is a signal or "
            "holds sequences, is there one number, or one sequence and its label, on each line?"
        )
    return read_delimited(path, say, blanks=True)


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        content = file.read(4096)
    return b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff"))


FORMAT = register(Format("text_table", SUFFIXES, matches, read, others={"signal": signal_text.read}))
