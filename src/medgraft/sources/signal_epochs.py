"""Spans of a long recording."""

from __future__ import annotations

from collections.abc import Iterable

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal


def epochs(
    signal: Signal, seconds: float, overlap: float = 0.0, onsets: Iterable[float] | None = None
) -> list[Signal]:
    """Return spans of equal length, one after the other or from given times on.

    Use it on long recordings. The epochs of one patient are not independent: give all of them the patient's
    group, so that no split tears them apart, and never split after overlapping epochs were cut.

    Parameters
    ----------
    signal : Signal
    seconds : float
        Length of each.
    overlap : float, default 0
        Share of an epoch that the next one shares, from 0 to below 1. What is left over at the end is not
        used.
    onsets : iterable of float, optional
        Where the epochs begin, in seconds, in place of one after the other.

    Returns
    -------
    list of Signal
        Views into the signal's samples; nothing is copied.

    Raises
    ------
    MedgraftError
        The signal is shorter than an epoch, an epoch does not lie within it, or both an overlap and onsets
        are given.

    Examples
    --------
    >>> import numpy as np
    >>> s = Signal(np.arange(10, dtype=np.float32)[None], 2.0, ("II",), ("mV",))
    >>> [e.values[0].tolist() for e in epochs(s, 2.0, overlap=0.5)]
    [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0], [4.0, 5.0, 6.0, 7.0], [6.0, 7.0, 8.0, 9.0]]
    >>> [e.values[0].tolist() for e in epochs(s, 1.0, onsets=[0.5, 4.0])]
    [[1.0, 2.0], [8.0, 9.0]]
    """
    n, total = round(seconds * signal.rate), signal.values.shape[1]
    if n < 1 or not 0 <= overlap < 1:
        raise MedgraftError(
            f"Epochs have a sample or more and an overlap from 0 to below 1, not {seconds:g} seconds at "
            f"{signal.rate:g} Hz with an overlap of {overlap:g}."
        )
    if onsets is not None and overlap:
        raise MedgraftError("Epochs begin at onsets or overlap evenly: give one of the two.")
    if n > total:
        raise MedgraftError(
            f"The signal lasts {signal.seconds:g} seconds, less than an epoch of {seconds:g}."
        )
    if onsets is None:
        starts = list(range(0, total - n + 1, max(1, round(n * (1 - overlap)))))
    else:
        starts = []
        for onset in onsets:
            if not (0 <= onset < signal.seconds and round(onset * signal.rate) + n <= total):
                raise MedgraftError(
                    f"The epoch of {seconds:g} seconds from {onset:g} on does not lie within the signal of "
                    f"{signal.seconds:g} seconds: leave it out."
                )
            starts.append(round(onset * signal.rate))
    return [
        Signal(signal.values[:, start : start + n], signal.rate, signal.channels, signal.units)
        for start in starts
    ]
