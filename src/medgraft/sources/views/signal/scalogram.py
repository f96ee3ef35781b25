"""The continuous wavelet transform with Morlet's wavelet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medgraft.sources.views.base import view
from medgraft.sources.views.signal.base import Floats, at_least
from medgraft.sources.views.signal.time_frequency import TimeFrequency


@view(
    "scalogram",
    kind="signal",
    refs=(
        "Torrence and Compo 1998, doi:10.1175/1520-0477(1998)079<0061:APGTWA>2.0.CO;2",
        "Moran et al. 2023, doi:10.1109/ACCESS.2023.3269397",
    ),
)
@dataclass(frozen=True)
class Scalogram(TimeFrequency):
    r"""Amplitudes of a continuous wavelet transform, on a grid or as a picture for image networks.

    Use it where rhythms come and go and high ones are short: ECG beats, EEG spindles. Not for fine
    frequencies at the high end: there a wavelet's band is as wide as f / `waves`.

    With Morlet's wavelet of :math:`\omega_0` = `waves` at scale :math:`a = \omega_0 / 2 \pi f`, in the L1
    norm,

    .. math:: W(f, t) = \frac{2}{a} \int x(s)\, \psi^*\Big(\frac{s - t}{a}\Big) ds, \quad
        \psi(u) = \frac{1}{\sqrt{2 \pi}} e^{-u^2 / 2 + i \omega_0 u}

    computed as a product of Fourier transforms. :math:`|W|` of a sine is its amplitude at its own frequency,
    whatever that is. Frequencies stand in equal ratios.

    Parameters
    ----------
    low, high, bands, times, size, depth
        See `TimeFrequency`.
    waves : float, default 6
        :math:`\omega_0`: more waves tell frequencies better apart, and times worse; from 4 on, where the
        wavelet has no mean to speak of.

    Raises
    ------
    MedgraftError
        A setting is out of range, or the signal is too short for the lowest frequency.

    Notes
    -----
    Signals are mirrored at their ends and taken without their mean. Cost: O(F L log L) of time for F
    frequencies (four a band; `size` for a picture), O(L) of memory.

    Examples
    --------
    >>> from medgraft.cohort.media import Signal
    >>> t = np.arange(2000) / 250
    >>> s = Signal(np.sin(2 * np.pi * 10 * t)[None].astype(np.float32), 250.0, ("Cz",), ("uV",))
    >>> v = Scalogram(low=4, high=64, bands=4, times=1)
    >>> v.names(s)[int(v(s).argmax())], v.picture(s).shape
    ('Cz 8-16 Hz', (224, 224))
    """

    waves: float = 6.0
    geometric: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("waves", self.waves, 4)

    def _rows(self, x: Floats, rate: float, frequencies: Floats) -> Iterator[Floats]:
        return (np.abs(row) for row in morlet(x, rate, frequencies, self.waves))


def morlet(
    x: Floats, rate: float, frequencies: Floats, waves: float = 6.0
) -> Iterator[NDArray[np.complex128]]:
    """Yield the transform (L,), complex, of x (L,) at each frequency in Hz; see `Scalogram`."""
    both = np.concatenate([x, x[::-1]]) - x.mean()
    spectrum = np.fft.fft(both)
    f = np.fft.fftfreq(len(both), 1 / rate)
    for frequency in frequencies:
        gain = np.where(f > 0, 2 * np.exp(-0.5 * (waves * (f / frequency - 1)) ** 2), 0.0)
        yield np.fft.ifft(spectrum * gain)[: len(x)]
