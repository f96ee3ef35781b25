"""File formats: one module each, registered by name. `detect` finds the one for a path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError, Registry, did_you_mean

Say = Callable[[str], None]


@dataclass(frozen=True)
class Format:
    """A way to store a cohort.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
        Lower case, with the dot; empty for folders.
    matches : callable
        From a path to whether its content is of this format; trusted over the suffix.
    read : callable
        From a path, and a function to tell warnings to, to a table with one row per sample. It may
        raise anything: `load` turns it into one sentence.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[Path], bool]
    read: Callable[[Path, Say], pd.DataFrame]


formats: Registry[Format] = Registry("format", packages=("medgraft.cohort.formats",))


def register(entry: Format) -> Format:
    """Add a format to the registry under its name."""
    formats.add(entry.name, entry)
    return entry


def starts_with(path: Path, magic: bytes) -> bool:
    """Whether a file begins with these bytes."""
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def detect(path: Path) -> Format:
    """Return the format of a file or folder.

    The suffix must be a known one; where the content is plainly of another format (a workbook that
    was named .csv), the content decides.

    Raises
    ------
    MedgraftError
        Nothing is there, or the suffix is unknown.
    """
    if not path.exists():
        near = (
            did_you_mean(path.name, (p.name for p in path.parent.iterdir())) if path.parent.is_dir() else ""
        )
        raise MedgraftError(f"'{path}' does not exist: check the path.{near}")
    named = [f for f in formats.values() if path.suffix.lower() in f.suffixes]
    if not path.is_dir() and not named:
        known = sorted(s for f in formats.values() for s in f.suffixes)
        what = f"the suffix '{path.suffix}'" if path.suffix else "no suffix"
        raise MedgraftError(
            f"'{path}' has {what}: medgraft reads {', '.join(known)}, and folders of images with one folder "
            "per class."
        )
    return next(
        (f for f in formats.values() if f.matches(path)), named[0] if named else formats["image_folder"]
    )


def load(path: Path, say: Say) -> tuple[pd.DataFrame, Format]:
    """Read a file or folder as it is.

    Raises
    ------
    MedgraftError
        It does not exist, is empty, or cannot be read.
    """
    try:
        entry = detect(path)
        if path.is_file() and path.stat().st_size == 0:
            raise MedgraftError(f"The file '{path}' is empty: it needs a header line and rows.")
        frame = entry.read(path, say)
    except MedgraftError:
        raise
    except Exception as error:  # parsers of arbitrary bytes fail in every way there is
        reason = _first_line(error)
        raise MedgraftError(
            f"'{path}' cannot be read ({reason}): is it damaged, or of another format?"
        ) from error
    if len(frame) == 0 or frame.shape[1] == 0:
        raise MedgraftError(f"The table '{path}' is empty: it needs a header line and rows.")
    return frame, entry


def _first_line(error: Exception) -> str:
    try:
        text = str(error).strip().split("\n")[0]
    except Exception:  # liac-arff's own message fails on a line with a percent sign
        text = ""
    return (text[:200] or type(error).__name__).rstrip(".")
