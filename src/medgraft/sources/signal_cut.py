"""Windows of a recording that was filtered as a whole, with what is wrong in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats.edf_annotations import read_annotations
from medgraft.cohort.formats.edf_header import is_edf, read_header
from medgraft.cohort.media import Signal
from medgraft.cohort.ref import Ref
from medgraft.sources.arrays import SignalReading
from medgraft.sources.signal_artefacts import artefacts
from medgraft.sources.signals import SignalInput, scaled

FLAGS = ("flat", "clipped", "range", "line", "high")
_SPAN = ("start", "seconds")  # parts of a reference that say which span of a recording is meant
_NEAR = 1e-6  # seconds by which rounding may move a border


@dataclass(frozen=True)
class Cut:
    """Where windows lie: one after the other in each span, or at events.

    Parameters
    ----------
    seconds : float
        Length of a window.
    overlap : float, default 0
        Share of a window that the next one shares, from 0 to below 1. Not with events.
    events : mapping, default {}
        Text of an annotation -> label of its window; empty: windows one after the other.
    first : float, default 0
        Where a window begins, in seconds from its event on; may be below 0.

    Raises
    ------
    MedgraftError
        A setting is out of range.

    Examples
    --------
    >>> Cut(2.0, events={"T1": "left", "T2": "right"}, first=0.5).seconds
    2.0
    """

    seconds: float
    overlap: float = 0.0
    events: Mapping[str, str] = field(default_factory=dict)
    first: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.seconds < float("inf") and 0 <= self.overlap < 1 and np.isfinite(self.first)):
            raise MedgraftError(
                f"Windows last more than 0 seconds and overlap by 0 to below 1, not {self.seconds:g} seconds "
                f"and {self.overlap:g}."
            )
        if self.overlap and self.events:
            raise MedgraftError("Windows at events do not overlap evenly: leave the overlap out.")


class Window(NamedTuple):
    """A window, and what is known of it.

    Attributes
    ----------
    signal : Signal
    row : int
        Position in the table of the row that it was cut from; of an event the recording's first row.
    start : float
        In seconds from the recording's start on.
    segment : int
        Number of the span, or of the event, in the recording: windows of one may overlap.
    label : str or None
        The event's; None: the row's holds.
    flags : dict
        Flag -> number of channels.
    """

    signal: Signal
    row: int
    start: float
    segment: int
    label: str | None
    flags: dict[str, int]


def recordings_of(cells: pd.Series[Any]) -> dict[str, list[int]]:
    """Return the positions of the rows of each recording: references without the span they mean.

    Examples
    --------
    >>> recordings_of(pd.Series(["a.edf::start=0;seconds=4", "a.edf::start=4;seconds=4", "b.txt"]))
    {'a.edf': [0, 1], 'b.txt': [2]}
    """
    found: dict[str, list[int]] = {}
    for i, cell in enumerate(cells):
        ref = Ref.parse(str(cell))
        parts = {key: value for key, value in ref.parts.items() if key not in _SPAN}
        found.setdefault(str(Ref(ref.path, **parts)), []).append(i)
    return found


def windows_of(
    recording: str,
    rows: list[int],
    cells: pd.Series[Any],
    reading: SignalReading,
    cut: Cut,
    line: float = 50.0,
    largest: float = 0.0,
) -> tuple[list[Window], Counter[str]]:
    """Return the windows of a recording, and how many were not to be had.

    The recording is filtered from end to end and then cut, so that a window is not disturbed where it was
    cut; the recording's own first and last 1 / low seconds are. ``flat`` and ``clipped`` are looked for in
    what was recorded, ``range``, ``line`` and ``high`` in what the filter leaves (`artefacts`).

    Parameters
    ----------
    recording : str
    rows : list of int
        Of `cells`, those that mean this recording or spans of it.
    cells : Series of str
    reading : SignalReading
        Its length is not used.
    cut : Cut
    line, largest : float
        See `artefacts`.

    Returns
    -------
    windows : list of Window
    lost : Counter
        ``"outside"``: events whose window would not lie within the recording; ``"short"``: spans shorter
        than a window; ``"event TEXT"``: how often an event was seen.

    Raises
    ------
    MedgraftError
        The recording cannot be read or filtered, has gaps, or has no annotations where events are asked for.
    """
    given = reading.signal
    raw = SignalReading(SignalInput(channels=given.channels), recorded=reading.recorded).open(recording)
    try:
        clean = replace(given, scale="none", seconds=0.0)(raw)
    except MedgraftError as error:
        raise MedgraftError(f"The signal '{recording}' cannot be used: {error}") from error
    rate, n = clean.rate, round(cut.seconds * clean.rate)
    if n < 1:
        raise MedgraftError(f"A window of {cut.seconds:g} seconds is less than a sample at {rate:g} Hz.")
    scale = scaled(clean.values.astype(np.float64), given.scale).astype(np.float32)
    lost: Counter[str] = Counter()
    places = _events(recording, rows[0], clean, cut, lost) if cut.events else _spans(rows, cells, clean, cut)
    found = []
    for first, row, segment, label in places:
        if first is None:
            lost["short"] += 1
            continue
        if not 0 <= first <= clean.values.shape[1] - n:
            lost["outside"] += 1
            continue
        here = replace(clean, values=clean.values[:, first : first + n])
        a = round(first / rate * raw.rate)
        there = replace(raw, values=raw.values[:, a : a + max(2, round(n / rate * raw.rate))])
        seen = artefacts(there, line, largest) | {
            name: flag for name, flag in artefacts(here, line, largest).items() if name in FLAGS[2:]
        }
        flags = {name: int(seen[name].sum()) for name in FLAGS}
        signal = replace(clean, values=scale[:, first : first + n].copy())
        found.append(Window(signal, row, first / rate, segment, label, flags))
    return found, lost


Place = tuple[int | None, int, int, str | None]  # first sample, row, segment, label


def _events(recording: str, row: int, signal: Signal, cut: Cut, lost: Counter[str]) -> Iterator[Place]:
    path = Path(Ref.parse(recording).path)
    if not is_edf(path):
        raise MedgraftError(
            f"'{recording}' has no annotations: --events takes EDF+ and BDF+ recordings; cut others with "
            "--epochs."
        )
    for i, mark in enumerate(read_annotations(read_header(path), path)):
        lost[f"event {mark.text}"] += 1
        if mark.text in cut.events:
            yield round((mark.start + cut.first) * signal.rate), row, i, cut.events[mark.text]


def _spans(rows: list[int], cells: pd.Series[Any], signal: Signal, cut: Cut) -> Iterator[Place]:
    n = round(cut.seconds * signal.rate)
    step = max(1, round(n * (1 - cut.overlap)))
    for segment, row in enumerate(rows):
        ref = Ref.parse(str(cells.iloc[row]))
        start = ref.numbers("start")[0] if "start" in ref.parts else 0.0
        seconds = ref.numbers("seconds")[0] if "seconds" in ref.parts else signal.seconds - start
        first = round(start * signal.rate)
        end = min(first + int((seconds + _NEAR) * signal.rate), signal.values.shape[1])
        if end - first < n:
            yield None, row, segment, None
        for begin in range(first, end - n + 1, step):
            yield begin, row, segment, None
