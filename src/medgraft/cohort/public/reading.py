"""From a name to a cohort."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.formats import load
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
    entry = public_sets[name]
    folder = fetch(name, **{k: v for k, v in options.items() if k in _FETCH})
    roles = dict(entry.roles) | {k: v for k, v in options.items() if k not in _FETCH}
    return replace(read_cohort(data_of(entry, folder), **roles), name=entry.name)


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
