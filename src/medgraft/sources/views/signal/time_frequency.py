"""What the views share that draw a signal over frequency and time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.montage import whole
from medgraft.sources.views.signal.base import Floats, SignalView, at_least, shares
from medgraft.sources.views.signal.cells import cell_names

WITHIN = 4  # frequencies that a band's amplitude is the mean of
STRIP = 8  # rows of a picture that a channel has at least


@dataclass(frozen=True)
class TimeFrequency(SignalView):
    """Base of views that are amplitudes at frequencies over time: numbers on a grid, or a picture.

    Derive from it and implement ``_rows``; say `geometric`.

    Parameters
    ----------
    low, high : float, default 0
        Lowest and highest frequency in Hz; 0: four waves in the signal, and 0.4 of the rate.
    bands, times : int, default 8 and 4
        Cells of the grid of numbers along frequency and time; a number is log10 of the mean amplitude.
    size : int, default 224
        Rows and columns of the picture.
    depth : float, default 60
        Decibels below the largest amplitude that are black.
    """

    low: float = 0.0
    high: float = 0.0
    bands: int = 8
    times: int = 4
    size: int = 224
    depth: float = 60.0

    geometric: ClassVar[bool]  # whether frequencies stand in equal ratios, else in equal steps

    def __post_init__(self) -> None:
        for name, least in (
            ("low", 0),
            ("high", 0),
            ("bands", 1),
            ("times", 1),
            ("size", STRIP),
            ("depth", 1),
        ):
            at_least(name, getattr(self, name), least)

    @abstractmethod
    def _rows(self, x: Floats, rate: float, frequencies: Floats) -> Iterator[Floats]:
        """Yield the amplitude over time (L,) of one channel at each frequency."""

    def _edges(self, rate: float, length: int, bands: int) -> Floats:
        low, high = self.low or 4 * rate / length, self.high or 0.4 * rate
        if not low < high <= rate / 2:
            raise MedgraftError(
                f"The view '{self.name}' has no frequencies between {low:g} and {high:g} Hz for {length} "
                f"samples at {rate:g} Hz: choose low and high up to half the rate."
            )
        return np.geomspace(low, high, bands + 1) if self.geometric else np.linspace(low, high, bands + 1)

    def _middles(self, rate: float, length: int, bands: int) -> Floats:
        return self._edges(rate, length, 2 * bands)[1::2]

    def _on_grid(self, x: Floats, rate: float, bands: int, times: int) -> Floats:
        """Mean amplitudes (bands, times): a frequency a band, so that no more than one row is ever held."""
        return np.array(
            [shares(row, times) for row in self._rows(x, rate, self._middles(rate, len(x), bands))]
        )

    def _features(self, X: Floats, rate: float) -> Floats:
        fine = np.array([self._on_grid(x, rate, WITHIN * self.bands, self.times) for x in X])
        return np.log10(shares(fine.swapaxes(1, 2), self.bands).swapaxes(1, 2)).reshape(len(X), -1)

    def _columns(self, rate: float, length: int) -> list[str]:
        return cell_names(self._edges(rate, length, self.bands), self.times, length / rate)

    def picture(self, sample: Signal) -> NDArray[np.uint8]:
        """Return the amplitudes as a picture: high frequencies at the top, time to the right.

        Grey is linear in decibels, from `depth` below the signal's largest amplitude (0) to it (255). One
        channel gives (size, size), three give the colours of (size, size, 3); others stand in strips one
        below the other, of equal height. Channels share one scale: bring unlike units to one by
        ``scale=zscore`` before.

        Raises
        ------
        MedgraftError
            There are gaps, or too many channels for the picture.
        """
        X = whole(sample)
        strips = 1 if len(X) == 3 else len(X)
        height = self.size // strips
        if height < STRIP:
            raise MedgraftError(
                f"A picture of {self.size} rows has no room for {len(X)} channels: choose fewer, or a larger "
                "size."
            )
        A = np.array([self._on_grid(x, sample.rate, height, self.size)[::-1] for x in X])
        top = A.max()
        if top > 0:
            with np.errstate(divide="ignore"):
                A = np.clip(1 + 20 * np.log10(A / top) / self.depth, 0, 1)
        grey = np.rint(255 * A).astype(np.uint8)
        if len(X) == 3:
            return np.ascontiguousarray(grey.transpose(1, 2, 0))
        rows = grey.reshape(-1, self.size)
        return np.pad(rows, ((0, self.size - len(rows)), (0, 0)))
