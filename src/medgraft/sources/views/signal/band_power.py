"""How much of a signal lies in each band of frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.views.base import view
from medgraft.sources.views.signal.base import Floats, SignalView, at_least, in_time

EEG = "delta@0.5-4|theta@4-8|alpha@8-13|beta@13-30|gamma@30-45"


@view("band-power", kind="signal", refs=("Welch 1967, doi:10.1109/TAU.1967.1161901",))
@dataclass(frozen=True)
class BandPower(SignalView):
    r"""Power of each channel in bands of frequencies, by Welch's method, as a logarithm.

    Use it for rhythms: EEG, heart rate, tremor. Not for events that are short and rare: their power drowns in
    the mean over time; use ``stft`` or ``scalogram``.

    The spectral density P (one-sided, in squared units a Hz) is the mean over half-overlapping Hann windows,
    each without its mean; with d Hz between frequencies a band's power is

    .. math:: p_b = d \sum_{l_b \le f < h_b} P(f), \qquad \log_{10} p_b
        \quad\text{or}\quad \log_{10} \frac{p_b}{\sum_b p_b}

    Powers of bands that cover all frequencies sum to the mean square of the windowed signal (Parseval).

    Parameters
    ----------
    bands : str
        ``"name@low-high"`` in Hz with bars between; default the usual ones of EEG, cut at half the rate,
        where those that begin above it are left out.
    seconds : float, default 2
        Length of a window; frequencies are 1 / seconds Hz apart. A shorter signal is one window.
    relative : bool, default False
        Each as a share of the sum over the bands.
    log : bool, default True
        The decimal logarithm; a band without power is NaN.

    Raises
    ------
    MedgraftError
        A band cannot be read, holds no frequency, or (where bands are given) goes beyond half the rate.

    Notes
    -----
    Cost: O(C L log(window)).

    Examples
    --------
    >>> from medgraft.cohort.media import Signal
    >>> t = np.arange(2000) / 200
    >>> s = Signal(np.sin(2 * np.pi * 10 * t)[None].astype(np.float32), 200.0, ("O1",), ("uV",))
    >>> v = BandPower(bands="alpha@8-13|beta@13-30", log=False)
    >>> v.names(s), v(s).round(3).tolist()
    (['O1 alpha', 'O1 beta'], [0.5, 0.0])
    """

    bands: str = EEG
    seconds: float = 2.0
    relative: bool = False
    log: bool = True

    def __post_init__(self) -> None:
        at_least("seconds", self.seconds, 1e-6)
        read_bands(self.bands)

    def _chosen(self, rate: float) -> list[tuple[str, float, float]]:
        half, chosen = rate / 2, read_bands(self.bands)
        if self.bands == EEG:
            chosen = [(name, low, min(high, half)) for name, low, high in chosen if low < half]
        if not chosen:
            raise MedgraftError(
                f"A signal of {rate:g} Hz has no band of EEG: say --reading recorded=HZ, or give bands."
            )
        for name, _, high in chosen:
            if high > half:
                raise MedgraftError(
                    f"The band {name} ends at {high:g} Hz, above half the rate, {half:g} Hz: choose others."
                )
        return chosen

    def _features(self, X: Floats, rate: float) -> Floats:
        from scipy.signal import welch

        bands = self._chosen(rate)
        window = min(round(self.seconds * rate), X.shape[1])
        in_time(self.name, window, X.shape[1])
        f, P = welch(X, rate, nperseg=window, axis=1)
        powers = []
        for name, low, high in bands:
            inside = (f >= low) & ((f < high) | (high == rate / 2))
            if not inside.any():
                raise MedgraftError(
                    f"The band {name} holds no frequency of windows of {window / rate:g} seconds, which are "
                    f"{rate / window:g} Hz apart: take longer windows or a wider band."
                )
            powers.append(P[:, inside].sum(axis=1) * (f[1] - f[0]))
        power = np.column_stack(powers)
        if self.relative:
            power = power / power.sum(axis=1, keepdims=True)
        return np.asarray(np.log10(power) if self.log else power)

    def _columns(self, rate: float, length: int) -> list[str]:
        return [name for name, _, _ in self._chosen(rate)]


def read_bands(text: str) -> list[tuple[str, float, float]]:
    """Return (name, low, high) of each band in ``"name@low-high|..."``; without a name it is its limits.

    Raises
    ------
    MedgraftError

    Examples
    --------
    >>> read_bands("alpha@8-13|13-30")
    [('alpha', 8.0, 13.0), ('13-30 Hz', 13.0, 30.0)]
    """
    found = []
    for part in text.split("|"):
        name, _, limits = part.rpartition("@")
        low, _, high = limits.partition("-")
        try:
            edges = float(low), float(high)
        except ValueError:
            edges = (0.0, 0.0)
        if not 0 <= edges[0] < edges[1] < float("inf"):
            raise MedgraftError(
                f"The band '{part}' cannot be read: write name@low-high in Hz, as alpha@8-13."
            )
        found.append((name.strip() or f"{limits.strip()} Hz", *edges))
    if len({name for name, _, _ in found}) < len(found):
        raise MedgraftError(f"Two bands of '{text}' have the same name.")
    return found
