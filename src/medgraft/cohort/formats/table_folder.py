"""A folder of tables with the same columns: one table, and the file as a column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, arff, csv_tsv, parquet, register, signal_text, text_table
from medgraft.cohort.formats.folders import data_files, head
from medgraft.cohort.formats.sequence_text import is_labelled_sequences

_READERS: dict[str, Callable[[Path, Say], pd.DataFrame]] = {
    ".csv": csv_tsv.read,
    ".tsv": csv_tsv.read,
    ".data": text_table.read,
    ".dat": text_table.read,
    ".txt": text_table.read,
    ".parquet": parquet.read,
    ".arff": arff.read,
}
_MOST = 10_000  # files


def matches(path: Path) -> bool:
    """Whether a folder's data are tables, all directly in it."""
    return path.is_dir() and bool(_tables(path))


def _tables(folder: Path) -> list[Path]:
    """Return the tables of a folder, or none if it holds other data, or folders with data."""
    found = []
    for file in data_files(folder):
        suffix = file.suffix.lower()
        if file.parent != folder or suffix not in _READERS:
            return []
        if suffix in (".txt", ".dat"):
            text = head(file)
            if text_table.is_table(text):
                found.append(file)
            elif suffix == ".dat" or is_labelled_sequences(text) or signal_text.width_of(file):
                return []  # other data; any other text is about the tables
            continue
        found.append(file)
    return found


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the tables of a folder under each other; ``file`` is the name of each, without its suffix.

    Use it for one file per hospital. The tables must have the same suffix and the same columns (or as
    many, if they have no header), in any order. A folder with one table only gives that table.

    Raises
    ------
    MedgraftError
        The tables differ; the message lists them.
    """
    files = _tables(path)
    if not files:
        raise MedgraftError(f"The folder '{path}' holds no tables: give a table, or a folder of them.")
    if len(files) == 1:
        return _READERS[files[0].suffix.lower()](files[0], say)
    if len(files) > _MOST:
        raise MedgraftError(f"The folder '{path}' holds more than {_MOST:,} tables: give one table.")
    if len({file.suffix.lower() for file in files}) > 1:
        raise _differ(path, files, "have different suffixes")
    said: dict[str, None] = {}  # what every file says is told once
    frames = [_READERS[file.suffix.lower()](file, lambda text: said.setdefault(text)) for file in files]
    columns = [list(map(str, frame.columns)) for frame in frames]
    if any(sorted(names) != sorted(columns[0]) for names in columns):
        sizes = ", ".join(f"'{f.name}' ({len(c)})" for f, c in zip(files[:10], columns, strict=False))
        raise _differ(path, files, f"have different columns ({sizes})")
    if len(set(columns[0])) < len(columns[0]):
        raise MedgraftError(f"'{files[0]}' has two columns of the same name: rename one of them.")
    for text in said:
        say(text)
    name = "file"
    while name in columns[0]:
        name += "_"
    if name != "file":
        say(f"The tables have a column 'file'; the names of the files are in '{name}'.")
    parts = [
        frame.set_axis(names, axis=1)[columns[0]].assign(**{name: file.stem})
        for file, frame, names in zip(files, frames, columns, strict=True)
    ]
    joined = {c: pd.concat([_plain(p[c]) for p in parts], ignore_index=True) for c in [*columns[0], name]}
    say(f"The {len(files)} tables of the folder were put under each other; the column '{name}' tells which.")
    return pd.DataFrame(joined)


def _plain(values: pd.Series) -> pd.Series:  # type: ignore[type-arg]
    """Give a column without any value the type that does not change its neighbours'."""
    return values.astype(float) if values.isna().all() else values


def _differ(path: Path, files: list[Path], how: str) -> MedgraftError:
    shown = ", ".join(f"'{file.name}'" for file in files[:10]) + (", ..." if len(files) > 10 else "")
    return MedgraftError(
        f"The tables of the folder '{path}' {how}, so they are not one cohort: give one of {shown}, such as "
        f"'{files[0]}'."
    )


FORMAT = register(
    Format(
        "table_folder",
        (),
        matches,
        read,
        roles={"domain": "file"},
        others={"signal": signal_text.read},
    )
)
