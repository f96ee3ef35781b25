"""From a name to a cohort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.formats import load
from medgraft.cohort.labels import names
from medgraft.cohort.public.entry import PublicSet, public_sets
from medgraft.cohort.public.fetching import fetch
from medgraft.cohort.public.layout import find
from medgraft.cohort.read import read as read_cohort

_FETCH = ("folder", "local", "accept_licence", "refresh", "progress", "say")


def read(name: str, **options: Any) -> Cohort:
    """Fetch a public data set and read it, with the label, patients and sites that its publisher describes.

    Parameters
    ----------
    name : str
        One of ``public_sets``.
    **options
        Those of :func:`fetch` and of :func:`medgraft.read`; the latter replace what the set's entry says.

    Returns
    -------
    Cohort
        Named as the set.

    Raises
    ------
    MedgraftError
        As `fetch` and `medgraft.read`.
    """
    folder = fetch(name, **{k: v for k, v in options.items() if k in _FETCH})
    return read_folder(public_sets[name], folder, **{k: v for k, v in options.items() if k not in _FETCH})


def read_folder(entry: PublicSet, folder: Path, **roles: Any) -> Cohort:
    """Read a folder in a set's layout, without the rows that are not of the kind that the entry names.

    Parameters
    ----------
    entry : PublicSet
    folder : path
    **roles
        Of :func:`medgraft.read`, in place of what the entry says.

    Raises
    ------
    MedgraftError
        As `medgraft.read`, or no row is of that kind.
    """
    cohort = replace(read_cohort(data_of(entry, folder), **(dict(entry.roles) | roles)), name=entry.name)
    for column, value in entry.only.items():
        if column in cohort.table:
            cohort = _only(cohort, column, value)
    return cohort


def _only(cohort: Cohort, column: str, value: str) -> Cohort:
    """Return the rows that say so themselves: one that says nothing may be of the other kind."""
    said = cohort.table[column].astype("string").str.lower()
    keep = (said == value.lower()).fillna(False).to_numpy(dtype=bool)
    if keep.all():
        return cohort
    if not keep.any():
        raise MedgraftError(f"No row of '{cohort.name}' says '{value}' in its column '{column}'.")
    kept = cohort.select(keep)
    told = f"{cohort.n - kept.n} of {cohort.n} rows were left out: their {column} is not said to be {value}."
    if cohort.task == "multiclass" and cohort.levels is not None:  # a class may have been of the others alone
        there = set(names(kept.table[str(kept.label)]))
        kept = replace(kept, levels=tuple(level for level in cohort.levels if level in there))
    return replace(kept, warnings=(*kept.warnings, told))


def data_of(entry: PublicSet, folder: Path) -> Path | pd.DataFrame:
    """Return what of a data set's folder is read: a file, the folder, or several tables as one."""
    if entry.prepare is not None:
        return entry.prepare(folder)
    if not entry.data:
        return folder
    pattern = entry.data.removesuffix("/..")
    found = find(folder, pattern)
    if not found:
        raise MedgraftError(f"'{folder}' has no '{entry.data}': it is no complete copy of '{entry.name}'.")
    if pattern != entry.data:
        return found[0].parent
    if len(found) == 1:
        return found[0]
    frames = [load(file, lambda sentence: None)[0] for file in found]
    columns = list(frames[0].columns)
    for frame, file in zip(frames, found, strict=True):
        if list(frame.columns) != columns:
            raise MedgraftError(
                f"'{file}' has other columns than '{found[0]}': it is another version of the set."
            )
    parts = [frame.assign(file=file.stem) for frame, file in zip(frames, found, strict=True)]
    # One column at a time, as text where one file has only missing values and another has text.
    joined = {
        c: pd.concat([_plain(part[c]) for part in parts], ignore_index=True) for c in (*columns, "file")
    }
    return pd.DataFrame(joined)


def _plain(values: Any) -> Any:
    return values.astype(float) if values.isna().all() else values
