"""Matrices as text: probes in rows, or a header of many thousand columns. Opens the rows of every matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, register
from medgraft.cohort.ref import Ref

_ENDS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_WIDE = 5000  # columns that no table of patients has


def matches(path: Path) -> bool:
    """Whether a text file has probes in its first column, or more columns than a table of patients."""
    if not path.name.lower().endswith(_ENDS) or not path.is_file():
        return False
    from medgraft.cohort.omics.layout import PROBE
    from medgraft.cohort.omics.lines import head

    lines = head(path, 2**17).splitlines()
    if not lines:
        return False
    if max(lines[0].count(d) for d in (b",", b"\t", b";")) > _WIDE:
        return True
    firsts = [
        line.replace(b'"', b"").replace(b"\t", b",").replace(b";", b",").split(b",")[0]
        for line in lines[1:21]
    ]
    probes = [PROBE.fullmatch(first.decode("latin-1")) is not None for first in firsts]
    return len(probes) >= 3 and sum(probes) > 0.9 * len(probes)


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row a sample: its name, columns of text and of patients' facts, and ``omics``."""
    from medgraft.cohort.formats.h5ad import table_of

    return table_of(path, say)


def is_sample(ref: Ref) -> bool:
    """Whether a reference points to a sample of a matrix."""
    return "sample" in ref.parts


def open_row(ref: Ref) -> NDArray[np.float32]:
    """Return the values of a sample, (p,)."""
    from medgraft.cohort.omics import Omics
    from medgraft.cohort.omics.rows import sample_of

    sample = sample_of(ref)
    return Omics.open(ref.path, ids=[sample]).row(sample)


# Without suffixes of its own: a text file is a table unless its content says otherwise.
FORMAT = register(Format("omics_csv", (), matches, read, roles={"omics": "omics"}))
DECODER = add_decoder(Decoder("omics", "omics", is_sample, open_row))
