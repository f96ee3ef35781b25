"""File formats: one module each, registered by name. `detect` finds the one for a path."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError, Registry, did_you_mean
from medgraft.cohort.media import Decoder, add_decoder, first_line

Say = Callable[[str], None]

__all__ = [
    "Decoder",
    "Format",
    "Say",
    "add_decoder",
    "class_of",
    "detect",
    "formats",
    "load",
    "register",
    "starts_with",
    "walk",
]

_LAST_RESORT = "image_folder"  # any folder could be one


@dataclass(frozen=True)
class Format:
    """A way to store a cohort.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
        Lower case, with the dot, ``.csv.gz`` as a whole; empty for formats that are folders only.
    matches : callable
        From the path of a file or folder to whether its content is of this format; trusted over the
        suffix. It is cheap and never raises.
    read : callable
        From a path, and a function to tell warnings to, to a table with one row per sample. It may
        raise anything: `load` turns it into one sentence.
    roles : mapping
        From a role to the column that has it by convention, where the table has that column and the user
        names no other. ``domain`` counts only when asked for by ``"auto"``.
    others : mapping
        From a kind (``"image"``) to another way of reading, where a user may want that kind instead.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[Path], bool]
    read: Callable[[Path, Say], pd.DataFrame]
    roles: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Callable[[Path, Say], pd.DataFrame]] = field(default_factory=dict)


formats: Registry[Format] = Registry("format", packages=("medgraft.cohort.formats",))


def register(entry: Format) -> Format:
    """Add a format to the registry under its name."""
    formats.add(entry.name, entry)
    return entry


def starts_with(path: Path, magic: bytes) -> bool:
    """Whether a file begins with these bytes."""
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def walk(folder: Path, limit: int = 200_000) -> list[Path]:
    """Return the visible files below a folder, sorted by path.

    Hidden files and folders and ``__MACOSX`` are left out, and links to folders are not followed. The
    answer is remembered until the next `load`, because every format asks.

    Raises
    ------
    MedgraftError
        There are more than `limit` files.
    """
    return list(_walk(str(folder), folder.stat().st_mtime_ns, limit))


@lru_cache(maxsize=2)
def _walk(folder: str, changed: int, limit: int) -> tuple[Path, ...]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if visible(f))
        found += [Path(place, name) for name in names if visible(name)]
        if len(found) > limit:
            raise MedgraftError(f"The folder '{folder}' holds more than {limit:,} files: give a part of it.")
    return tuple(sorted(found))


def visible(name: str) -> bool:
    """Whether a file or folder is meant to be seen."""
    return not name.startswith(".") and name != "__MACOSX"


def class_of(root: Path, file: Path) -> str:
    """Return the name of the first folder below `root` on the way to `file`, or ``""``.

    Examples
    --------
    >>> class_of(Path("data"), Path("data/ill/p1/a.png")), class_of(Path("data"), Path("data/a.png"))
    ('ill', '')
    """
    parts = file.relative_to(root).parts
    return parts[0] if len(parts) > 1 else ""


def suffix_of(path: Path) -> str:
    """Return the longest ending of a file's name that some format knows, lower case, or its plain suffix."""
    name = path.name.lower()
    known = {s for f in formats.values() for s in f.suffixes if name.endswith(s)}
    return max(known, key=len, default=path.suffix.lower())


def detect(path: Path) -> Format:
    """Return the format of a file or folder.

    The suffix must be a known one; where the content is plainly of another format (a workbook that
    was named .csv), the content decides. A folder that is of no other format is one of images.

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
    by_content = [f for f in formats.values() if f.name != _LAST_RESORT and f.matches(path)]
    if path.is_dir():
        return by_content[0] if by_content else formats[_LAST_RESORT]
    suffix = suffix_of(path)
    named = [f for f in formats.values() if suffix in f.suffixes]
    # Several formats can share a suffix (.txt), and several see themselves in a content: both must agree.
    found = [f for f in by_content if f in named] or by_content or named
    if not found:
        known = sorted({s for f in formats.values() for s in f.suffixes})
        what = f"the suffix '{path.suffix}'" if path.suffix else "no suffix"
        raise MedgraftError(
            f"'{path}' has {what}: medgraft reads {', '.join(known)}, and folders of images with one folder "
            "per class."
        )
    return found[0]


def load(path: Path, say: Say, kind: str | None = None) -> tuple[pd.DataFrame, Format]:
    """Read a file or folder as it is, and as samples of a kind where the format has a choice.

    Raises
    ------
    MedgraftError
        It does not exist, is empty, or cannot be read.
    """
    _walk.cache_clear()
    try:
        entry = detect(path)
        if path.is_file() and path.stat().st_size == 0:
            raise MedgraftError(f"The file '{path}' is empty: it needs a header line and rows.")
        if kind is not None and kind not in entry.others and kind not in entry.roles:
            raise MedgraftError(f"'{path}' is of the format {entry.name}, which cannot be read as a {kind}.")
        frame = entry.others.get(kind or "", entry.read)(path, say)
    except MedgraftError:
        raise
    except Exception as error:  # parsers of arbitrary bytes fail in every way there is
        reason = first_line(error)
        raise MedgraftError(
            f"'{path}' cannot be read ({reason}): is it damaged, or of another format?"
        ) from error
    if len(frame) == 0 or frame.shape[1] == 0:
        raise MedgraftError(f"The table '{path}' is empty: it needs a header line and rows.")
    return frame, entry
