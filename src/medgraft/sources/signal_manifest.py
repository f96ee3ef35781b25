"""What a manifest of windows says of each, and what is said of those that are not in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort import Cohort
from medgraft.cohort.ref import Ref
from medgraft.sources.montage import few
from medgraft.sources.signal_cut import FLAGS, Cut, Window

OWN = ("signal", "label", "patient", "recording", "segment", "start", "seconds", *FLAGS)


def names_of(recordings: list[str]) -> dict[str, str]:
    """Return a short name for each recording that is a file's name, too."""
    plain: dict[str, str] = {}
    for text in recordings:
        ref = Ref.parse(text)
        words = [Path(ref.path).stem, *(v for k, v in ref.parts.items() if k != "rate")]
        plain[text] = re.sub(r"[^\w-]+", "_", "_".join(words)) or "recording"
    times = Counter(name.lower() for name in plain.values())
    return {
        text: name if times[name.lower()] == 1 else f"{name}.{i + 1}"
        for i, (text, name) in enumerate(plain.items())
    }


def patients_of(
    cohort: Cohort, recordings: Mapping[str, list[int]], named: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the recordings of each patient."""
    found: dict[str, list[str]] = {}
    for recording, rows in recordings.items():
        names = {named[recording]}
        if cohort.group is not None:
            column = cohort.table[cohort.group].iloc[rows]
            names = {named[recording] if pd.isna(value) else str(value) for value in column}
        if len(names) > 1:
            raise MedgraftError(
                f"The recording '{recording}' is of {len(names)} patients in the column '{cohort.group}': "
                "give --group the column of patients."
            )
        found.setdefault(names.pop(), []).append(recording)
    return found


def facts_of(cohort: Cohort, window: Window, rows: list[int]) -> dict[str, Any]:
    """Return what the cohort's table says of a window: of an event only what holds for the recording."""
    table = cohort.table
    taken = {*cohort.media.values(), cohort.label, cohort.group}
    columns = [c for c in table.columns if c not in taken and c not in OWN]
    if window.label is not None:
        columns = [c for c in columns if table[c].iloc[rows].nunique(dropna=False) == 1]
    facts = {c: table[c].iloc[window.row] for c in columns}
    label = label_of(cohort, window)
    return facts if label is None else facts | {"label": label}


def told(seen: Counter[str], cut: Cut, drop: bool) -> list[str]:
    """Return what was left out, in sentences.

    Parameters
    ----------
    seen : Counter
        ``"event TEXT"``, ``"all LABEL"``, ``"dropped LABEL"``, ``"of RECORDING"`` (windows found),
        ``"outside"``, ``"short"``.
    cut : Cut
    drop : bool

    Raises
    ------
    MedgraftError
        An event is in no recording, or no window is left.
    """
    events, total = _part(seen, "event "), _part(seen, "all ")
    dropped = _part(seen, "dropped ")
    missing = [name for name in cut.events if name not in events]
    if missing:
        there = few(tuple(f"'{name}' ({times})" for name, times in sorted(events.items()))) or "none"
        hint = did_you_mean(missing[0], events)
        raise MedgraftError(f"The event '{missing[0]}' is in no recording; there are: {there}.{hint}")
    said = []
    if seen["outside"]:
        said.append(f"{seen['outside']} events are too near to an end of their recording for a whole window.")
    if seen["short"]:
        said.append(f"{seen['short']} spans are shorter than {cut.seconds:g} seconds and give no window.")
    if others := {name: times for name, times in events.items() if name not in cut.events}:
        shown = few(tuple(f"{name} ({times})" for name, times in sorted(others.items())))
        said.append(f"Events that were not asked for: {shown}.")
    if drop:
        shown = few(tuple(f"{name} {dropped.get(name, 0)} of {n}" for name, n in sorted(total.items())))
        said.append(f"Windows left out because a channel of theirs has an artefact: {shown}.")
    if sum(total.values()) == sum(dropped.values()):
        raise MedgraftError("No window is left. " + " ".join(said))
    if none := tuple(name for name, n in _part(seen, "of ").items() if n == 0):
        said.append(f"{len(none)} recordings gave no window: {few(none)}.")
    return said


def _part(seen: Counter[str], start: str) -> dict[str, int]:
    return {key.removeprefix(start): n for key, n in seen.items() if key.startswith(start)}


def label_of(cohort: Cohort, window: Window) -> Any:
    """Return the label of a window: of its event, or of its row; None where there is none."""
    if window.label is not None or cohort.label is None:
        return window.label
    return cohort.table[cohort.label].iloc[window.row]
