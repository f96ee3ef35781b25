"""Parquet tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medgraft.cohort.formats import Format, Say, register, starts_with


def matches(path: Path) -> bool:
    """Whether a file begins as Parquet files do."""
    return path.is_file() and starts_with(path, b"PAR1")


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the table; a named index becomes a column."""
    frame = pd.read_parquet(path, engine="pyarrow")
    named = [level for level in frame.index.names if level is not None]
    return frame.reset_index(named) if named else frame


FORMAT = register(Format("parquet", (".parquet",), matches, read))
