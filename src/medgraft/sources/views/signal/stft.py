"""The short-time Fourier transform on a small grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.views.base import view
from medgraft.sources.views.signal.base import Floats, SignalView, at_least, in_time, shares
from medgraft.sources.views.signal.cells import cell_names


@view("stft", kind="signal", refs=("Allen and Rabiner 1977, doi:10.1109/PROC.1977.10770",))
@dataclass(frozen=True)
class ShortTimeFourier(SignalView):
    r"""Log-magnitude of the short-time Fourier transform, averaged on a grid of frequency and time.

    Use it where it matters when a rhythm comes. Not for stationary signals: ``band-power`` says the same with
    less noise.

    With a Hann window w of N samples, half-overlapping windows at times u and frequencies k r / N,

    .. math:: M(k, u) = \frac{2}{\sum w} \Big| \sum_m w_m x_{u+m} e^{-2 \pi i k m / N} \Big|

    is the amplitude of a sine at that frequency, in the signal's units; a number is log10 of the mean of M
    over a cell. The grid has `bands` x `times` cells of equal numbers of frequencies and windows, from the
    first frequency above 0 on.

    Parameters
    ----------
    seconds : float, default 1
        Length of a window.
    high : float, default 0
        Highest frequency in Hz; 0: half the rate.
    bands, times : int, default 8 and 4
        Cells along frequency and time.

    Raises
    ------
    MedgraftError
        A setting is out of range, or there are fewer frequencies or windows than cells.

    Notes
    -----
    Names have the nominal limits of the cells. Windows' means are not taken off; they count to frequency 0,
    which is left out but for what leaks from it. A cell without any amplitude is NaN. Cost: O(C L log N).

    Examples
    --------
    >>> from medgraft.cohort.media import Signal
    >>> t = np.arange(2000) / 200
    >>> s = Signal(np.sin(2 * np.pi * 30 * t)[None].astype(np.float32), 200.0, ("Cz",), ("uV",))
    >>> v = ShortTimeFourier(bands=5, times=1)
    >>> v.names(s)[int(v(s).argmax())]
    'Cz 20-40 Hz'
    """

    seconds: float = 1.0
    high: float = 0.0
    bands: int = 8
    times: int = 4

    def __post_init__(self) -> None:
        at_least("seconds", self.seconds, 1e-6)
        at_least("high", self.high, 0)
        at_least("bands", self.bands, 1)
        at_least("times", self.times, 1)

    def _features(self, X: Floats, rate: float) -> Floats:
        M = magnitudes(X, self._window(rate, X.shape[1]))[:, 1 : self._last(rate, X.shape[1]) + 1]
        if M.shape[1] < self.bands or M.shape[2] < self.times:
            raise MedgraftError(
                f"The view 'stft' has {M.shape[1]} frequencies and {M.shape[2]} windows for {self.bands} "
                f"bands and {self.times} times: choose fewer cells, or other seconds."
            )
        cells = shares(shares(M, self.times).swapaxes(1, 2), self.bands).swapaxes(1, 2)
        return np.log10(cells).reshape(len(X), -1)

    def _window(self, rate: float, length: int) -> int:
        window = round(self.seconds * rate)
        in_time(self.name, window, length)
        return window

    def _last(self, rate: float, length: int) -> int:
        """Place of the highest frequency."""
        if self.high > rate / 2:
            raise MedgraftError(
                f"The setting high={self.high:g} of 'stft' is above half the rate, {rate / 2:g} Hz."
            )
        window = self._window(rate, length)
        return int((self.high or rate / 2) * window / rate + 1e-9)

    def _columns(self, rate: float, length: int) -> list[str]:
        edges = np.linspace(0, self.high or rate / 2, self.bands + 1)
        return cell_names(edges, self.times, length / rate)


def magnitudes(X: Floats, window: int) -> Floats:
    """Return amplitudes (channels, window // 2 + 1, windows) of half-overlapping Hann windows."""
    w = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    step = window - window // 2
    parts = np.lib.stride_tricks.sliding_window_view(X, window, axis=1)[:, ::step]
    M = np.abs(np.fft.rfft(parts * w, axis=2)) * (2 / w.sum())
    return np.asarray(M.swapaxes(1, 2))
