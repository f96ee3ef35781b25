"""Channels that measured something else than the patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.montage import whole

FLAT = 0.5  # share of steps from sample to sample that are exactly 0
CLIPPED = 0.01  # share of samples in runs at the largest or smallest value
RUN = 3  # equal samples in a row that make a run
LARGEST = 0.01  # volts from the smallest to the largest sample: ten times the QRS of an ECG
LINE = 0.3  # share of the power within LINE_WIDTH of the mains
LINE_WIDTH = 1.0  # Hz to each side
HIGH = 0.4  # share of the power from HIGH_FROM on, without the mains
HIGH_FROM = 40.0  # Hz: above it scalp EEG and ECG hold little, muscles much
SLOWEST = 0.5  # Hz: slower drift counts for no share
_VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9}


def artefacts(signal: Signal, line: float = 50.0, largest: float = 0.0) -> dict[str, NDArray[np.bool_]]:
    """Return which channels are flat, clipped, out of range, full of mains or of muscle.

    Use it to look at recordings before they are used, filtered or not. Not to leave patients out by
    themselves: look at what is flagged, and at whether it goes together with the label. The thresholds are
    conventions for scalp EEG and ECG, stated here, and tuned to nobody's outcome.

    ``flat``: more than half of the steps from sample to sample are exactly 0, or the standard deviation is a
    millionth of the largest value. ``clipped``: 1 % of the samples or more stand at the largest or the
    smallest value in runs of three or more, and the channel is not flat. ``range``: from the smallest to the
    largest sample more than `largest`. ``line``: more than 30 % of the power from 0.5 Hz on lies within 1 Hz
    of the mains. ``high``: more than 40 % of it lies at 40 Hz or above, the mains left out. Power is by
    Welch's method with windows of two seconds.

    Parameters
    ----------
    signal : Signal
    line : float, default 50
        Frequency of the mains in Hz: 60 in the Americas.
    largest : float, default 0
        Largest range, in the signal's units; 0: 10 mV where the units are volts, else no limit. For scalp EEG
        some 0.0005 V is usual.

    Returns
    -------
    dict of arrays (channels,) of bool
        A share that cannot be seen at the signal's rate or length (line, high) is no finding.

    Raises
    ------
    MedgraftError
        There are gaps, or a setting is out of range.

    Notes
    -----
    Cost: O(C L log L).

    Examples
    --------
    >>> t = np.arange(2000) / 250
    >>> rows = np.array([np.sin(2 * np.pi * 10 * t), np.sin(2 * np.pi * 50 * t), 0 * t])
    >>> flags = artefacts(Signal(rows.astype(np.float32), 250.0, ("a", "b", "c"), ("mV",) * 3))
    >>> {name: found.tolist() for name, found in flags.items() if found.any()}
    {'flat': [False, False, True], 'line': [False, True, False]}
    """
    if not (line > 0 and largest >= 0):
        raise MedgraftError(
            f"Artefacts take line above 0 and largest from 0 on, not {line:g} and {largest:g}."
        )
    X = whole(signal)
    still = (np.diff(X, axis=1) == 0).mean(axis=1) if X.shape[1] > 1 else np.ones(len(X))
    flat = (still > FLAT) | (X.std(axis=1) <= 1e-6 * np.abs(X).max(axis=1))
    limit = np.array([largest or LARGEST / _VOLTS.get(unit, np.nan) for unit in signal.units])
    at_line, above = _shares(X, float(signal.rate), line)
    return {
        "flat": flat,
        "clipped": np.array([_stuck(x) >= CLIPPED for x in X]) & ~flat,
        "range": np.ptp(X, axis=1) > limit,  # never where there is no limit
        "line": (at_line > LINE) & ~flat,
        "high": (above > HIGH) & ~flat,
    }


def _stuck(x: NDArray[np.float64]) -> float:
    """Share of the samples that stand at an extreme in runs of `RUN` or more."""
    total = 0
    for extreme in (x.min(), x.max()):
        at = np.concatenate([[0], (x == extreme).astype(np.int8), [0]])
        runs = np.flatnonzero(np.diff(at) == -1) - np.flatnonzero(np.diff(at) == 1)
        total += int(runs[runs >= RUN].sum())
    return total / len(x)


def _shares(X: NDArray[np.float64], rate: float, line: float) -> tuple[NDArray[np.float64], ...]:
    """Shares of the power near the mains, and of the rest at high frequencies (channels,)."""
    from scipy.signal import welch

    n = min(round(2 * rate), X.shape[1])
    nothing = np.zeros(len(X))
    if n < rate / LINE_WIDTH or n < 8:
        return nothing, nothing
    f, P = welch(X, rate, nperseg=n, axis=1)
    P = P * (f >= SLOWEST)
    total = P.sum(axis=1) + np.finfo(float).tiny
    near = np.abs(f - line) <= LINE_WIDTH
    return P[:, near].sum(axis=1) / total, P[:, (f >= HIGH_FROM) & ~near].sum(axis=1) / total
