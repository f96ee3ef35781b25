"""Sequences with labels: text files with a sequence, blanks and a label on each line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.folders import data_files, head
from medgraft.cohort.formats.text import clean, decode

SUFFIXES = (".txt", ".fa", ".fasta", ".fna", ".faa", ".seq", ".dat")
_HEADER = (
    frozenset(("sequence", "sequences", "seq", "rna", "dna", "protein", "peptide")),
    frozenset(("label", "labels", "class", "target", "y")),
)
_NUCLEOTIDES = frozenset("ACGTUNRYSWKMBDHV")
_FEWEST, _MEAN = 5, 8  # letters; shorter words beside a number are a table's
_SAMPLE_LINES = 50


def matches(path: Path) -> bool:
    """Whether a file, or each of a folder's data files, holds labelled sequences."""
    if path.is_dir():
        return bool(_files(path))
    return path.suffix.lower() in SUFFIXES and path.is_file() and is_labelled_sequences(head(path))


def is_labelled_sequences(text: str) -> bool:
    r"""Whether each line is a sequence of letters, blanks and a label; the first line may be a header.

    Sequences are nucleotides, or all in capitals; never raises.

    Examples
    --------
    >>> is_labelled_sequences("ACGUACGU\t1\nGGGCCCAA\t0\n"), is_labelled_sequences("SMITH 1\nLEE 0\n")
    (True, False)
    """
    rows = [line.split() for line in text.splitlines()[: _SAMPLE_LINES + 1] if line.strip()]
    if len(rows) > 1 and _is_header(rows[0]):
        rows = rows[1:]
    if not rows or not all(_is_row(row) for row in rows):
        return False
    sequences = [row[0] for row in rows]
    letters = "".join(sequences)
    bases = sum(letter in _NUCLEOTIDES for letter in letters.upper())
    return len(letters) >= _MEAN * len(rows) and (bases >= 0.9 * len(letters) or letters.isupper())


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per sequence: ``sequence`` in capitals, ``label``, and for a folder ``file``.

    T and U stay as they are written. ``file`` is the file's name without its suffix, a domain if asked.

    Raises
    ------
    MedgraftError
        A line is not a sequence of letters and a label; the message gives its number.
    """
    files = _files(path) if path.is_dir() else [path]
    parts = [_read_file(file, path.is_dir()) for file in files]
    return pd.concat(parts, ignore_index=True)


def _files(folder: Path) -> list[Path]:
    """Return a folder's sequence files, or none when it holds other data too."""
    sequences = []
    for file in data_files(folder):
        if file.suffix.lower() in SUFFIXES and is_labelled_sequences(head(file)):
            sequences.append(file)
        elif file.suffix.lower() != ".txt" or _is_number_table(file):
            return []
    return sequences


def _is_number_table(file: Path) -> bool:
    from medgraft.cohort.formats.text_table import is_table

    return is_table(head(file))


def _is_row(row: list[str]) -> bool:
    return (
        len(row) == 2
        and len(row[0]) >= _FEWEST
        and row[0].isascii()
        and row[0].isalpha()
        and len(row[1]) <= 20
    )


def _is_header(row: list[str]) -> bool:
    """Whether a line is made of names, which never are a sequence: by the words that such headers have."""
    first, last = row[0].lower(), row[-1].lower()
    return first in _HEADER[0] or last in _HEADER[1] or ("seq" in first and not first.isalpha())


def _read_file(file: Path, name_it: bool) -> pd.DataFrame:
    sequences, labels = [], []
    for i, line in enumerate(decode(file.read_bytes()).splitlines(), start=1):
        row = line.split()
        if not row:
            continue
        if i == 1 and _is_header(row):
            continue
        if len(row) != 2 or not (row[0].isascii() and row[0].isalpha()):
            raise MedgraftError(
                f"Line {i} of '{file}' is not a sequence of letters, blanks and a label: mend or remove it."
            )
        sequences.append(row[0].upper())
        labels.append(row[1])
    if not sequences:
        raise MedgraftError(f"'{file}' holds no sequences: it needs lines of a sequence, blanks and a label.")
    label = clean(pd.DataFrame({"label": pd.Series(labels, dtype=object)}))["label"]
    frame = pd.DataFrame({"sequence": pd.Series(sequences, dtype=object), "label": label})
    return frame.assign(file=file.stem) if name_it else frame


FORMAT = register(
    Format(
        "sequence_text",
        (".seq",),  # of .txt and .fa the content decides
        matches,
        read,
        roles={"sequence": "sequence", "label": "label", "domain": "file"},
    )
)
