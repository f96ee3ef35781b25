"""Wavelet packets: a signal's energy in bands that halve and halve again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.views.base import view
from medgraft.sources.views.signal.base import Floats, SignalView
from medgraft.sources.views.signal.daubechies import moments_of, packets
from medgraft.sources.views.signal.moments import NAMES, moments

VALUES = ("energy", "share", "statistics")
DEEPEST = 8


@view(
    "wavelet-packets",
    kind="signal",
    refs=(
        "Coifman and Wickerhauser 1992, doi:10.1109/18.119732",
        "Daubechies 1988, doi:10.1002/cpa.3160410705",
    ),
)
@dataclass(frozen=True)
class WaveletPackets(SignalView):
    r"""Energy, or statistics, of each channel's wavelet packets at one level.

    Use it for signals with short events, as spikes in EEG: wavelets are short where frequencies are high. Not
    for exact limits of frequency: neighbouring packets overlap; use ``band-power``.

    Splitting by the orthogonal filters h and g, halving and splitting again gives at level j :math:`2^j`
    nodes of coefficients c, in order of frequency, each of a band of r / 2^(j+1) Hz. As the transform is
    orthogonal, :math:`\sum_k E_k = \sum_t x_t^2` with :math:`E_k = \sum_i c_{ki}^2`.

    Parameters
    ----------
    wavelet : str, default "db4"
        Daubechies' with 1 to 10 vanishing moments: ``"db1"`` (Haar) to ``"db10"``.
    level : int, default 4
        2^level nodes, from 1 to 8.
    values : {"energy", "share", "statistics"}
        :math:`\log_{10} E_k`; :math:`E_k / \sum E`, where a constant offset counts to the first node; or the
        mean, sd, skewness and excess kurtosis of the node's coefficients.

    Raises
    ------
    MedgraftError
        A setting is out of range, or the signal is too short to be halved so often.

    Notes
    -----
    The signal is taken as periodic. Where its length is no multiple of 2^level, the middle of the largest
    such length is used: at most 2^level - 1 samples are left out. A node without energy is NaN.
    Cost: O(C L level) of time, O(C L filter) of memory.

    Examples
    --------
    >>> from medgraft.cohort.media import Signal
    >>> t = np.arange(1024) / 128
    >>> s = Signal(np.sin(2 * np.pi * 12 * t)[None].astype(np.float32), 128.0, ("Cz",), ("uV",))
    >>> v = WaveletPackets(level=3, values="share")
    >>> v.names(s)[int(v(s).argmax())]
    'Cz 8-16 Hz share'
    """

    wavelet: str = "db4"
    level: int = 4
    values: str = "energy"

    def __post_init__(self) -> None:
        moments_of(self.wavelet)
        if not (isinstance(self.level, int) and 1 <= self.level <= DEEPEST):
            raise MedgraftError(f"Wavelet packets take a level from 1 to {DEEPEST}, not {self.level}.")
        if self.values not in VALUES:
            raise MedgraftError(f"Wavelet packets know no values '{self.values}': use {', '.join(VALUES)}.")

    def _features(self, X: Floats, rate: float) -> Floats:
        length = X.shape[1] >> self.level << self.level
        if length < 2**self.level * 2:
            raise MedgraftError(
                f"The signal has {X.shape[1]} samples; wavelet packets of level {self.level} need "
                f"{2 ** (self.level + 1)}: take a lower level."
            )
        start = (X.shape[1] - length) // 2
        nodes = packets(X[:, start : start + length], moments_of(self.wavelet), self.level)
        if self.values == "statistics":
            return moments(nodes).reshape(len(X), -1)
        energy = (nodes**2).sum(axis=-1)
        if self.values == "share":
            return np.asarray(energy / energy.sum(axis=1, keepdims=True))
        return np.asarray(np.log10(energy))

    def _columns(self, rate: float, length: int) -> list[str]:
        edges = np.linspace(0, rate / 2, 2**self.level + 1)
        bands = [f"{a:.4g}-{b:.4g} Hz" for a, b in pairwise(edges)]
        words = NAMES if self.values == "statistics" else (self.values,)
        return [f"{band} {word}" for band in bands for word in words]
