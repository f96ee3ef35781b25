"""AnnData files: obs as the table, X as omics."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medgraft.cohort.formats import Format, Say, register, starts_with


def matches(path: Path) -> bool:
    """Whether a file is HDF5 and named .h5ad; HDF5 alone may be anything."""
    return path.is_file() and path.suffix.lower() == ".h5ad" and starts_with(path, b"\x89HDF\r\n\x1a\n")


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row a sample: ``sample``, the columns of obs, and ``omics``."""
    return table_of(path, say)


def table_of(path: Path, say: Say) -> pd.DataFrame:
    """Return the table that a matrix file has of its samples, with a column of references to their values."""
    from medgraft.cohort.omics import Omics
    from medgraft.cohort.omics.rows import reference

    omics = Omics.open(path)
    for warning in omics.warnings:
        say(warning)
    place = path.absolute()
    return omics.table.assign(omics=[reference(place, sample) for sample in omics.samples])


FORMAT = register(Format("h5ad", (".h5ad",), matches, read, roles={"omics": "omics"}))
