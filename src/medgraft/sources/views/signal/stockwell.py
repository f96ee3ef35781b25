"""The Stockwell transform: a Fourier transform seen through windows as long as the waves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medgraft.sources.views.base import view
from medgraft.sources.views.signal.base import Floats
from medgraft.sources.views.signal.time_frequency import TimeFrequency


@view(
    "stockwell",
    kind="signal",
    refs=(
        "Stockwell et al. 1996, doi:10.1109/78.492555",
        "Moran et al. 2023, doi:10.1109/ACCESS.2023.3269397",
    ),
)
@dataclass(frozen=True)
class Stockwell(TimeFrequency):
    r"""Amplitudes of the Stockwell transform, on a grid or as a picture for image networks.

    Use it as ``scalogram``, where frequencies are to stand in equal steps and phases refer to time 0. Not on
    very long recordings: every frequency costs a Fourier transform of all of it; cut epochs first.

    .. math:: S(\tau, f) = \int x(t) \frac{|f|}{\sqrt{2 \pi}} e^{-(\tau - t)^2 f^2 / 2} e^{-2 \pi i f t} dt

    and so :math:`\int S(\tau, f) d\tau` is the Fourier transform at f. For samples, with the discrete
    transform X of x and frequency n of N,

    .. math:: S(j, n) = \frac1N \sum_m X(m + n)\, e^{-2 \pi^2 m^2 / n^2} e^{2 \pi i m j / N}

    and the sum over j is X(n). Numbers and pictures are of :math:`2 |S|`, a sine's amplitude.

    Parameters
    ----------
    low, high, bands, times, size, depth
        See `TimeFrequency`.

    Raises
    ------
    MedgraftError
        A setting is out of range, or the signal is too short for the lowest frequency.

    Notes
    -----
    Frequencies are the nearest whole numbers of waves in the signal, 1 or more; the signal is taken as
    periodic, so its ends see each other. Cost: O(F L log L) of time for F frequencies (four a band; `size`
    for a picture), O(L) of memory.

    Examples
    --------
    >>> from medgraft.cohort.media import Signal
    >>> t = np.arange(2000) / 250
    >>> s = Signal(np.sin(2 * np.pi * 10 * t)[None].astype(np.float32), 250.0, ("Cz",), ("uV",))
    >>> v = Stockwell(low=4, high=64, bands=4, times=1)
    >>> v.names(s)[int(v(s).argmax())]
    'Cz 4-19 Hz'
    """

    geometric: ClassVar[bool] = False

    def _rows(self, x: Floats, rate: float, frequencies: Floats) -> Iterator[Floats]:
        waves = np.maximum(np.rint(frequencies * len(x) / rate).astype(int), 1)
        different, times = np.unique(waves, return_counts=True)
        for row, count in zip(stockwell(x, different), times, strict=True):
            amplitude = 2 * np.abs(row)
            for _ in range(count):  # a picture may have more rows than there are frequencies
                yield amplitude


def stockwell(x: Floats, waves: NDArray[np.intp]) -> Iterator[NDArray[np.complex128]]:
    """Yield S (L,), complex, of x (L,) at each number of waves in the signal, from 1 to L / 2."""
    N = len(x)
    spectrum = np.fft.fft(x)
    m = np.arange(N)
    for n in waves:
        gauss = np.exp(-2 * (np.pi * m / n) ** 2) + np.exp(-2 * (np.pi * (N - m) / n) ** 2)
        yield np.fft.ifft(np.roll(spectrum, -int(n)) * gauss)
