"""How signals are brought to one shape: channels, rate, band, length and scale."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal, open_sample
from medgraft.sources.montage import pick, whole
from medgraft.sources.settings import made_from

Floats = NDArray[np.float64]
SCALES = ("none", "zscore", "robust")
ORDER = 4  # of the Butterworth filter; forwards and backwards it acts twice
SHARPNESS = 30.0  # of the notch: its width is notch / SHARPNESS
_WHOLE = 1000  # largest denominator of a ratio of rates
_NORMAL = 1.3489795003921634  # interquartile range of a standard normal variable


@dataclass(frozen=True)
class SignalInput:
    r"""How signals (ECG, EEG, wearables) are brought to one shape; the same for every signal.

    Use it before any view or network, since these need samples of one shape. Not to mend signals: a signal
    that is too short, or lacks a channel, is refused and never filled up.

    In this order: the channels are chosen by name; the rate is changed by a polyphase filter; a Butterworth
    filter of order n = 4 is run forwards and backwards, so that nothing is delayed and the gain at frequency
    f, with cut-off c, is :math:`1 / (1 + (f / c)^{2n})` (a half at c) for the low-pass, up to the warping of
    frequencies near half the rate; the mains is notched out; the middle is cut out; each channel is scaled by
    its own samples.

    Parameters
    ----------
    rate : float, default 0
        Samples a second; 0: as recorded.
    seconds : float, default 0
        Length; the middle of a longer signal is taken. 0: as recorded.
    channels : tuple of str, default ()
        Names in the order wanted, compared without capitals and punctuation (``C3`` finds ``C3..`` and
        ``EEG C3``); none: all as recorded.
    low, high : float, default 0
        Band to keep, in Hz; 0: no limit on that side. The ends of a signal are disturbed for about 1 / low
        seconds: cut epochs out of filtered recordings rather than filter epochs.
    notch : float, default 0
        Frequency of the mains (50 or 60 Hz) to take out, without its harmonics; 0: none.
    scale : {"none", "zscore", "robust"}, default "none"
        ``"zscore"``: mean 0 and standard deviation 1; ``"robust"``: median 0 and interquartile range 1.349,
        as of a standard normal variable. A channel without spread becomes 0.

    Raises
    ------
    MedgraftError
        A setting is out of range.

    Notes
    -----
    Cost: O(C L log L) of time, some copies of the signal of memory. A rate that is no ratio of small whole
    numbers to the recorded one is met to within one part in a million.

    Examples
    --------
    >>> given = SignalInput.of("rate=160,seconds=4,channels=C3|Cz|C4")
    >>> given.shape
    (3, 640)
    >>> t = np.arange(1000) / 200
    >>> sines = np.sin(2 * np.pi * 10 * t)[None].repeat(3, 0)
    >>> s = Signal(sines, 200.0, ("EEG C4", "EEG CZ", "EEG C3"), ("V",) * 3)
    >>> out = given(s)
    >>> out.channels, out.rate, out.values.shape
    (('C3', 'Cz', 'C4'), 160.0, (3, 640))
    """

    rate: float = 0.0
    seconds: float = 0.0
    channels: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    notch: float = 0.0
    scale: str = "none"

    def __post_init__(self) -> None:
        for name in ("rate", "seconds", "low", "high", "notch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise MedgraftError(f"The setting {name} of signals is a number from 0 on, not {value!r}.")
        if isinstance(self.channels, str):
            raise MedgraftError("The setting channels of signals is several names: write C3|Cz|C4.")
        object.__setattr__(self, "channels", tuple(self.channels))
        if self.scale not in SCALES:
            raise MedgraftError(f"Signals know no scale '{self.scale}': use {', '.join(SCALES)}.")
        if 0 < self.high <= self.low:
            raise MedgraftError(f"The band of signals is empty: low={self.low:g}, high={self.high:g}.")
        if self.rate:
            self._check_band(self.rate)

    @classmethod
    def of(cls, given: SignalInput | dict[str, Any] | str | None) -> SignalInput:
        """Return settings themselves, or read them from ``"name=value,..."`` or a dict.

        Raises
        ------
        MedgraftError
            There is no such setting, or it takes other values.
        """
        return given if isinstance(given, SignalInput) else made_from(cls, given, "A signal's input")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, JSON-able, for :meth:`of`."""
        return asdict(self) | {"channels": list(self.channels)}

    @property
    def shape(self) -> tuple[int, int]:
        """Of the result: (channels, samples).

        Raises
        ------
        MedgraftError
            It depends on the signal.
        """
        if not (self.rate and self.seconds and self.channels):
            raise MedgraftError("Signals have one shape only where rate, seconds and channels are all given.")
        return len(self.channels), round(self.seconds * self.rate)

    def open(self, text: str, recorded: float = 0.0) -> Signal:
        """Open a reference (see `open_signal`) and bring it to shape; a refusal names it."""
        signal = open_signal(text, recorded)
        try:
            return self(signal)
        except MedgraftError as error:
            raise MedgraftError(f"The signal '{text}' cannot be used: {error}") from error

    def __call__(self, signal: Signal) -> Signal:
        """Return the signal in this shape; the given one is left as it is.

        Raises
        ------
        MedgraftError
            It is too short, lacks a channel, has gaps, or has too low a rate for the band.
        """
        signal = pick(signal, self.channels) if self.channels else signal
        X, rate = whole(signal), self.rate or float(signal.rate)
        self._check_band(rate)
        if rate != signal.rate:
            X = resampled(X, float(signal.rate), rate)
        X = self._filtered(X, rate)
        if self.seconds:
            X = _middle(X, round(self.seconds * rate), rate)
        return Signal(scaled(X, self.scale).astype(np.float32), rate, signal.channels, signal.units)

    def _check_band(self, rate: float) -> None:
        for name in ("low", "high", "notch"):
            if getattr(self, name) >= rate / 2:
                raise MedgraftError(
                    f"The setting {name}={getattr(self, name):g} of signals is not below half the rate, "
                    f"{rate / 2:g} Hz."
                )

    def _filtered(self, X: Floats, rate: float) -> Floats:
        from scipy.signal import butter, iirnotch, sosfiltfilt, tf2sos

        filters = []
        if self.low or self.high:
            band = [edge for edge in (self.low, self.high) if edge]
            kind = "bandpass" if len(band) == 2 else "highpass" if self.low else "lowpass"
            filters.append(butter(ORDER, band if len(band) == 2 else band[0], kind, fs=rate, output="sos"))
        if self.notch:
            filters.append(tf2sos(*iirnotch(self.notch, SHARPNESS, fs=rate)))
        for sections in filters:
            if X.shape[1] <= 3 * (2 * len(sections) + 1):  # what sosfiltfilt mirrors at the ends
                raise MedgraftError(f"The signal has {X.shape[1]} samples, too few to be filtered.")
            X = sosfiltfilt(sections, X, axis=1)
        return X


def open_signal(text: str, recorded: float = 0.0) -> Signal:
    """Open a reference to a signal; `recorded`: the rate of files that do not say theirs (0: unknown, 1 Hz).

    Raises
    ------
    MedgraftError
        It cannot be opened, or is no signal.
    """
    signal = open_sample("signal", text)
    if not isinstance(signal, Signal):
        raise MedgraftError(f"'{text}' is no signal.")
    return replace(signal, rate=recorded) if recorded and signal.rate == 1.0 else signal


def resampled(X: Floats, old: float, new: float) -> Floats:
    """Return (channels, samples) at another rate; the line from the first to the last sample is kept apart.

    Examples
    --------
    >>> resampled(np.full((1, 20), 3.0), 100, 25).round(9).tolist()
    [[3.0, 3.0, 3.0, 3.0, 3.0]]
    """
    from scipy.signal import resample_poly

    ratio = Fraction(new / old).limit_denominator(_WHOLE)
    if not ratio or ratio > _WHOLE:
        raise MedgraftError(
            f"A signal of {old:g} Hz cannot be brought to {new:g} Hz: the rates are too far apart."
        )
    # The polyphase filter ripples by 0.0007 of an offset: it never sees one.
    slope = (X[:, -1:] - X[:, :1]) / max(X.shape[1] - 1, 1)
    level = X - (X[:, :1] + slope * np.arange(X.shape[1]))
    found = resample_poly(level, ratio.numerator, ratio.denominator, axis=1)
    return np.asarray(found + X[:, :1] + slope * np.arange(found.shape[1]) / float(ratio))


def scaled(X: Floats, scale: str) -> Floats:
    """Return each channel (row) in its own scale, one of `SCALES`."""
    if scale == "none":
        return X
    if scale == "zscore":
        middle, spread = X.mean(axis=1), X.std(axis=1)
    else:
        quarter, middle, upper = np.percentile(X, [25, 50, 75], axis=1)
        spread = (upper - quarter) / _NORMAL
    flat = spread <= 1e-9 * np.abs(X).max(axis=1)
    A = (X - middle[:, None]) / np.where(flat, 1.0, spread)[:, None]
    A[flat] = 0.0
    return np.asarray(A)


def _middle(X: Floats, length: int, rate: float) -> Floats:
    if not 1 <= length <= X.shape[1]:
        raise MedgraftError(
            f"The signal lasts {X.shape[1] / rate:g} seconds, and {length / rate:g} are asked for: ask for "
            "fewer, or leave it out."
        )
    start = (X.shape[1] - length) // 2
    return X[:, start : start + length]
