"""GEO series matrices: the samples as a table, their values as omics."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medgraft.cohort.formats import Format, Say, register


def matches(path: Path) -> bool:
    """Whether a file begins as a series matrix, compressed or not."""
    if not path.is_file():
        return False
    from medgraft.cohort.omics.series_matrix import is_series_matrix

    return is_series_matrix(path)


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row a sample: accession, title, source, platform, its characteristics, and ``omics``."""
    from medgraft.cohort.formats.h5ad import table_of

    return table_of(path, say)


FORMAT = register(Format("series_matrix", (), matches, read, roles={"omics": "omics", "domain": "platform"}))
