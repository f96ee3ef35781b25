"""Channels by name: what a lead is called in one file and in another."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.media import Signal

_MODALITY = re.compile(r"^(eeg|ecg|ekg|emg|eog|lead)[\s_:.-]+(?=\S)")


def plain(channel: str) -> str:
    """Return a channel's name without capitals, punctuation and the word for its kind.

    Examples
    --------
    >>> plain("C3.."), plain("EEG C3"), plain("EEG Fpz-Cz"), plain("aVR")
    ('c3', 'c3', 'fpzcz', 'avr')
    """
    name = _MODALITY.sub("", channel.strip().lower())
    return re.sub(r"[^a-z0-9]+", "", name) or channel.strip().lower()


def pick(signal: Signal, channels: tuple[str, ...]) -> Signal:
    """Return the named channels in the order of the names, and under these names.

    Raises
    ------
    MedgraftError
        A channel is not there, or several go by its name.

    Examples
    --------
    >>> s = Signal(np.arange(6, dtype=np.float32).reshape(3, 2), 1.0, ("Fz..", "C3..", "C4.."), ("uV",) * 3)
    >>> found = pick(s, ("C4", "C3"))
    >>> found.channels, found.values[:, 0].tolist()
    (('C4', 'C3'), [4.0, 2.0])
    """
    known = [plain(name) for name in signal.channels]
    rows = []
    for name in channels:
        at = [i for i, other in enumerate(known) if other == plain(name)]
        if not at:
            hint = did_you_mean(plain(name), known) or f" It has: {few(signal.channels)}."
            raise MedgraftError(f"The signal has no channel '{name}'.{hint}")
        if len(at) > 1:
            both = few(tuple(signal.channels[i] for i in at))
            raise MedgraftError(f"The channel '{name}' is ambiguous: the signal has {both}; rename one.")
        rows.append(at[0])
    return Signal(signal.values[rows], signal.rate, tuple(channels), tuple(signal.units[i] for i in rows))


def whole(signal: Signal) -> NDArray[np.float64]:
    """Return the values (channels, samples) as float64, a copy.

    Raises
    ------
    MedgraftError
        There are no samples, or some are missing or infinite.
    """
    X = np.array(signal.values, dtype=np.float64)
    if X.ndim != 2 or X.size == 0:
        raise MedgraftError(f"A signal is an array (channels, samples) with samples in it, not {X.shape}.")
    bad = ~np.isfinite(X).all(axis=1)
    if bad.any():
        names = few(tuple(signal.channels[i] for i in np.flatnonzero(bad)))
        raise MedgraftError(f"The signal has missing samples in {names}: fill or cut the gaps first.")
    if not 0 < signal.rate < float("inf"):
        raise MedgraftError(f"A signal needs a rate above 0, not {signal.rate}.")
    return X


def few(names: tuple[str, ...], most: int = 8) -> str:
    """Return the first names, with commas."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
