"""The paths in a manifest table."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.labels import names


def resolve(frame: pd.DataFrame, column: str, folder: Path, where: str, skip: bool, say: Say) -> pd.DataFrame:
    """Return the manifest with absolute paths in `column`.

    Parameters
    ----------
    frame : DataFrame
    column : str
        Paths, relative to `folder` or absolute.
    folder : path
        Where the manifest lies; relative paths may not lead out of it.
    where : str
        The manifest's name, for messages.
    skip : bool
        Leave out rows whose file is missing, with a warning, instead of raising.
    say : callable
        Takes warnings.

    Raises
    ------
    MedgraftError
        A path is empty, leads out of the folder, or no file is there.
    """
    root = os.path.normpath(folder.absolute())
    resolved: list[str | None] = []
    missing: list[str] = []
    for i, given in enumerate(names(frame[column])):
        if given is None:
            missing.append(f"(empty, row {i + 1})")
            resolved.append(None)
            continue
        path = os.path.normpath(Path(root) / given)  # an absolute path stays as it is
        if not Path(given).is_absolute() and os.path.commonpath([root, path]) != root:
            raise MedgraftError(
                f"The path '{given}' in the column '{column}' of '{where}' leads out of the manifest's "
                "folder: write it as an absolute path, or move the files."
            )
        there = _is_file(path)
        if not there:
            missing.append(given)
        resolved.append(path if there else None)
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
        out = out[out[column].notna()].reset_index(drop=True)
    return out.astype({column: "str"})


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # a name longer than the system allows
        return False
