"""FASTA: sequences with names, compressed or not."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, class_of, register
from medgraft.cohort.formats.folders import data_files
from medgraft.cohort.limits import MAX_PIXELS

SUFFIXES = tuple(s + end for s in (".fa", ".fasta", ".fna", ".faa") for end in ("", ".gz"))
_LINE = 2**20  # bytes taken at once; a chromosome can be a line
_MOST_LETTERS = 2**30  # of a whole file, for it is held in memory
_MOST_RECORDS = 10_000_000


def matches(path: Path) -> bool:
    """Whether a file is FASTA by its first character, or a folder's data are such files only."""
    if path.is_dir():
        files = data_files(path)
        return bool(files) and all(_is_fasta(file) for file in files)
    return path.is_file() and _is_fasta(path)


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per record: ``sequence`` in capitals, ``id``, ``description``.

    For a folder there is ``file`` (the name without suffix), a domain if asked, and ``label`` where class
    folders tell it. T and U stay as they are; an asterisk at the end (a stop) is dropped. Sequences
    without a letter are left out, and names that come twice are told, both with a warning.

    Raises
    ------
    MedgraftError
        A sequence holds something else than letters, text stands before the first name, or the file is
        damaged or unpacks to more than memory should hold.
    """
    if path.is_file():
        return _read_file(path, say)
    parts = []
    for file in data_files(path):
        part = _read_file(file, say).assign(file=_stem(file))
        label = class_of(path, file)
        parts.append(part.assign(label=label) if label else part)
    return pd.concat(parts, ignore_index=True)


def _is_fasta(path: Path) -> bool:
    if not path.name.lower().endswith(SUFFIXES):
        return False
    try:
        with _opened(path) as file:
            return file.read(4096).lstrip()[:1] in (b">", b";")
    except (OSError, EOFError):
        return False
    except Exception:  # zlib's own errors
        return False


def _stem(path: Path) -> str:
    return Path(path.stem).stem if path.suffix.lower() == ".gz" else path.stem


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    with path.open("rb") as raw:
        if path.suffix.lower() == ".gz":
            with gzip.GzipFile(fileobj=raw) as file:
                yield file
        else:
            yield raw


def _read_file(path: Path, say: Say) -> pd.DataFrame:
    names: list[str] = []
    sequences: list[str] = []
    letters: list[str] = []
    total = held = 0
    with _opened(path) as file:
        while line := file.readline(_LINE):
            if line[:1] in (b">", b";") and (held == 0 or line[:1] == b">"):
                if line[:1] == b";":  # an old style of comment
                    continue
                if not line.endswith(b"\n") and len(line) == _LINE:
                    raise MedgraftError(f"A name in '{path}' has more than {_LINE:,} letters: is it damaged?")
                if names:
                    sequences.append(_sequence(letters, names[-1], path))
                names.append(line[1:].decode("utf-8", "replace").strip())
                letters, held = [], 0
                if len(names) > _MOST_RECORDS:
                    raise MedgraftError(
                        f"'{path}' holds more than {_MOST_RECORDS:,} sequences: give a part of it."
                    )
                continue
            text = line.strip()
            if text and not names:
                raise MedgraftError(f"'{path}' is no FASTA file: text stands before the first line with '>'.")
            held += len(text)
            total += len(text)
            if held > MAX_PIXELS or total > _MOST_LETTERS:
                raise MedgraftError(f"'{path}' holds more letters than medgraft takes: give a part of it.")
            letters.append(text.decode("latin-1"))
    if not names:
        raise MedgraftError(f"'{path}' is no FASTA file: no line begins with '>'.")
    sequences.append(_sequence(letters, names[-1], path))
    return _table(path, names, sequences, say)


def _sequence(letters: list[str], name: str, path: Path) -> str:
    text = "".join("".join(letters).split()).removesuffix("*").upper()
    if text and not (text.isascii() and text.isalpha()):
        wrong = next(c for c in text if not (c.isascii() and c.isalpha()))
        hint = "; take the gaps out of aligned sequences" if wrong in "-." else ""
        raise MedgraftError(
            f"The sequence '{name[:80]}' of '{path}' holds {wrong!r}, which is no letter{hint}."
        )
    return text


def _table(path: Path, names: list[str], sequences: list[str], say: Say) -> pd.DataFrame:
    words = [name.split(maxsplit=1) or [""] for name in names]
    frame = pd.DataFrame(
        {
            "sequence": pd.Series(sequences, dtype=object),
            "id": pd.Series([w[0] for w in words], dtype=object),
            "description": pd.Series([w[1] if len(w) > 1 else None for w in words], dtype=object),
        }
    )
    empty = frame["sequence"] == ""
    if empty.any():
        say(f"{int(empty.sum())} names of '{path.name}' have no sequence and were left out.")
        frame = frame[~empty].reset_index(drop=True)
    twice = [name for name, count in Counter(frame["id"]).items() if count > 1]
    if twice:
        shown = ", ".join(map(repr, twice[:3])) + (", ..." if len(twice) > 3 else "")
        say(f"{len(twice)} names come more than once in '{path.name}': {shown}.")
    return frame


FORMAT = register(
    Format(
        "fasta",
        SUFFIXES,
        matches,
        read,
        roles={"sequence": "sequence", "label": "label", "domain": "file"},
    )
)
