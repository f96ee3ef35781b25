"""Delimited text: .csv and .tsv, whichever delimiter they really use."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.delimited import read_delimited


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the table; a first line of numbers is data, and the columns get numbered names."""
    return read_delimited(path, say)


def matches(path: Path) -> bool:
    """Whether a file is delimited text; any text could be, so only the suffix tells."""
    return False


FORMAT = register(Format("csv_tsv", (".csv", ".tsv"), matches, read))
