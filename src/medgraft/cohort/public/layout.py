"""Whether a folder is a copy of a data set in its published layout."""

from __future__ import annotations

from pathlib import Path

from medgraft.base import MedgraftError
from medgraft.cohort.public.entry import PublicSet


def find(folder: Path, pattern: str) -> list[Path]:
    """Return what a glob finds below a folder, sorted; of ``a|b`` the first that finds anything.

    A pattern is also looked for one and more folders deeper, because archives differ in their outermost
    folder.
    """
    for choice in pattern.split("|"):
        for depth in (choice, f"*/{choice}", f"**/{choice}"):
            found = sorted(p for p in folder.glob(depth) if not _hidden(p.relative_to(folder)))
            if found:
                return found
    return []


def lacking(folder: Path, entry: PublicSet) -> list[str]:
    """Return the globs of the layout that find nothing."""
    return [pattern for pattern in entry.layout if not find(folder, pattern)]


def check(folder: Path, entry: PublicSet) -> None:
    """Refuse a folder that is no copy of a data set.

    Raises
    ------
    MedgraftError
        An expected file is not there; the message names the folder and the file.
    """
    absent = lacking(folder, entry)
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise MedgraftError(
            f"'{folder}' is no complete copy of '{entry.name}': it has no "
            f"'{absent[0].replace('|', chr(39) + ' or ' + chr(39))}'"
            f"{more}; get it from {entry.home or entry.files[0].url}."
        )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
