"""Signals as plain text: one number per line, or a column of numbers for each channel."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, register
from medgraft.cohort.formats.delimited import BLANKS, fields, is_numeral, sniff
from medgraft.cohort.formats.folders import data_files, head
from medgraft.cohort.formats.signal_rows import rows_of
from medgraft.cohort.formats.text import MISSING, decode
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal
from medgraft.cohort.ref import Ref

SUFFIXES = (".txt", ".asc", ".csv", ".tsv", ".dat")
_FEWEST = 8  # numbers in a file that tell its format without being asked
_PEEK = 2048  # bytes of each file of a folder that are looked at
_CHECKED = 5  # files of a folder that tell its format


def matches(path: Path) -> bool:
    """Whether a file has one number on each line, or a folder holds signals as text and no other data.

    Numbers in columns could be a table as well: they are channels only in class folders, or where the
    reader is told that the samples are signals.
    """
    if path.is_dir():
        return _is_folder_of_signals(path)
    return path.suffix.lower() in (".txt", ".asc", ".dat") and path.is_file() and width_of(path) == 1


def width_of(path: Path, size: int = _PEEK) -> int:
    """Return how many numbers each line of a text file has, by its first lines; 0 if it is no signal.

    The first line may hold names where there are several columns.
    """
    try:
        lines = [line for line in head(path, size).splitlines() if line.strip()]
        rows = list(fields(lines, sniff("\n".join(lines), blanks=True)))
    except Exception:  # the csv module has limits of its own
        return 0
    if len(rows) > 1 and not all(map(_is_number, rows[0])):
        rows = rows[1:] if len(rows[0]) > 1 else []
    widths = {len(row) for row in rows}
    if len(rows) < _FEWEST or len(widths) != 1 or not all(_is_number(c) for row in rows for c in row):
        return 0
    return widths.pop()


def _is_number(cell: str) -> bool:
    return is_numeral(cell.strip()) or cell.strip().lower() in ("nan", "na", "inf", "-inf")


def _is_folder_of_signals(folder: Path) -> bool:
    files = data_files(folder)
    if not files or any(file.suffix.lower() not in SUFFIXES for file in files):
        return False
    deep = [file for file in files if file.parent != folder]
    if deep:
        return all(width_of(file) > 0 for file in deep[:_CHECKED])
    texts = [file for file in files if file.suffix.lower() in (".txt", ".asc", ".dat")]
    numbers = [file for file in texts[:_CHECKED] if width_of(file) == 1]
    return len(texts) == len(files) and len(numbers) > len(texts[:_CHECKED]) // 2


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per file: ``signal``, ``file``, and ``label`` where class folders tell it.

    Files that hold no numbers are left out with a warning. The sampling rate is not in the files; a
    reference may say it (``a.txt::rate=173.61``), else it is 1.

    Raises
    ------
    MedgraftError
        None of the files holds a signal.
    """
    root = path if path.is_dir() else path.parent
    files = [f for f in data_files(path) if f.suffix.lower() in SUFFIXES] if path.is_dir() else [path]
    found = [file for file in files if width_of(file) > 0]
    if not found:
        raise MedgraftError(
            f"'{path}' holds no signal: it needs text files with one number per line, or a column of numbers "
            "for each channel."
        )
    deep = any(file.parent != root for file in found)  # beside class folders lie licences and the like
    taken = set(found)
    other = [file.name for file in files if file not in taken and (file.parent != root or not deep)]
    if other:
        shown = ", ".join(map(repr, other[:5])) + (", ..." if len(other) > 5 else "")
        say(f"{len(other)} text files hold no signal and are not used: {shown}.")
    return rows_of(root, found, say)


def open_signal(ref: Ref) -> Signal:
    """Return the numbers of a text file as a signal.

    Channels are the columns, named by the first line where it holds names. Units are unknown.

    Raises
    ------
    MedgraftError
        The file is missing or too large, a line holds text, or lines differ in length.
    """
    path = Path(ref.path)
    rate = ref.numbers("rate")[0] if "rate" in ref.parts else 1.0
    if rate <= 0:
        raise MedgraftError(f"The reference '{ref}' needs a rate above 0.")
    check_size(max(1, path.stat().st_size // 4), path)  # few signals have numbers as short as that
    text = decode(path.read_bytes())
    values, names = _numbers(text, path)
    if values.size == 0:
        raise MedgraftError(f"The signal '{path}' is empty.")
    return Signal(values, rate, names, ("",) * len(names))


def _numbers(text: str, path: Path) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return (channels, samples) and the channels' names."""
    start = text.lstrip()[:100_000]
    delimiter = sniff(start, blanks=True)
    first = next(fields(start.splitlines()[:1], delimiter), [])
    named = not all(map(_is_number, first))
    if named and len(first) == 1:
        raise MedgraftError(f"The file '{path}' is no signal: its first line is no number.")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # pandas only warns when it drops cells
        frame = pd.read_csv(
            io.StringIO(text),
            sep=r"\s+" if delimiter == BLANKS else delimiter,
            header=0 if named else None,
            index_col=False,
            keep_default_na=False,
            na_values=list(MISSING),
            skipinitialspace=True,
            dtype=np.float32,
        )
    names = tuple(map(str, frame.columns)) if named else tuple(f"{i + 1}" for i in range(frame.shape[1]))
    return np.ascontiguousarray(frame.to_numpy(np.float32).T), names


def opens(ref: Ref) -> bool:
    """Whether a reference is to a text file of numbers, or to one that is not there."""
    path = Path(ref.path)
    if path.suffix.lower() not in (*SUFFIXES, ".data"):
        return False
    return not path.is_file() or b"\0" not in _first_bytes(path)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)


FORMAT = register(
    Format("signal_text", (".asc",), matches, read, roles={"signal": "signal", "label": "label"})
)
DECODER = add_decoder(Decoder("signal_text", "signal", opens, open_signal))
