"""The paths in a manifest table."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say, walk
from medgraft.cohort.labels import names
from medgraft.cohort.ref import Ref


def resolve(
    frame: pd.DataFrame,
    column: str,
    folder: Path,
    where: str,
    skip: bool,
    say: Say,
    optional: bool = False,
    folders: bool = False,
) -> pd.DataFrame:
    """Return the manifest with absolute paths in `column`.

    A cell that is no path is looked for by its name below the folder, with or without suffix, as in
    manifests that name pictures by their number only.

    Parameters
    ----------
    frame : DataFrame
    column : str
        References (see :class:`~medgraft.cohort.ref.Ref`) whose paths are relative to `folder` or absolute.
    folder : path
        Where the manifest lies; relative paths may not lead out of it.
    where : str
        The manifest's name, for messages.
    skip : bool
        Leave out rows whose file is missing, with a warning, instead of raising.
    say : callable
        Takes warnings.
    optional : bool, default False
        Empty cells stay empty: the patient has no such sample, but others.
    folders : bool, default False
        A folder will do, because it can hold a series.

    Raises
    ------
    MedgraftError
        A path is empty, leads out of the folder, or no file is there.
    """
    root = os.path.normpath(folder.absolute())
    resolved: list[str | None] = []
    missing: list[str] = []
    index: dict[str, list[str]] | None = None
    for i, cell in enumerate(names(frame[column])):
        if cell is None:
            if not optional:
                missing.append(f"(empty, row {i + 1})")
            resolved.append(None)
            continue
        ref = Ref.parse(cell)
        given = ref.path
        path = os.path.normpath(Path(root) / given)  # an absolute path stays as it is
        if not Path(given).is_absolute() and os.path.commonpath([root, path]) != root:
            raise MedgraftError(
                f"The path '{given}' in the column '{column}' of '{where}' leads out of the manifest's "
                "folder: write it as an absolute path, or move the files."
            )
        if _is_there(path + ".hea", False):
            path += ".hea"  # records of WFDB are named without suffix
        if not _is_there(path, folders):
            index = _by_name(folder) if index is None else index
            found = index.get(Path(given).name, [])
            if len(found) > 1:
                raise MedgraftError(
                    f"'{given}' in the column '{column}' of '{where}' could be any of {len(found)} files, "
                    f"such as '{found[0]}' and '{found[1]}': write the paths relative to the "
                    "manifest's folder."
                )
            path = found[0] if found else ""
        if not path:
            missing.append(given)
        resolved.append(str(ref.with_path(path)) if path else None)
    if missing and (not skip or len(missing) == len(frame)):
        raise MedgraftError(
            f"{len(missing)} of the {len(frame)} files that '{where}' names in its column '{column}' do not "
            f"exist, the first being '{missing[0]}': paths are relative to the manifest's folder; "
            "--skip-unreadable leaves such rows out."
        )
    out = frame.assign(**{column: pd.Series(resolved, index=frame.index, dtype=object)})
    if missing:
        say(
            f"{len(missing)} rows were left out because their file does not exist, the first being "
            f"'{missing[0]}'."
        )
        there = frame[column].isna().to_numpy() if optional else False
        out = out[out[column].notna() | there].reset_index(drop=True)
    return out.astype({column: "str"})


def _is_there(path: str, folders: bool) -> bool:
    try:
        return Path(path).is_file() or (folders and Path(path).is_dir())
    except OSError:  # a name longer than the system allows
        return False


def _by_name(folder: Path) -> dict[str, list[str]]:
    """Return the files below a folder by their names, and by their names without suffix."""
    index: dict[str, list[str]] = {}
    for file in walk(folder.absolute()):
        for name in {file.name, file.stem}:
            index.setdefault(name, []).append(str(file))
    return index
