"""Orthogonal wavelets of compact support, and the packets they cut a signal into."""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.views.signal.base import Floats

MOST = 10  # vanishing moments; beyond, the roots lose digits


@lru_cache(maxsize=MOST)
def scaling_filter(n: int) -> Floats:
    r"""Return Daubechies' low-pass filter h (2n,) with n vanishing moments and least phase.

    :math:`|H|^2` is :math:`2 \cos^{2n}(w/2) \sum_{k<n} \binom{n-1+k}{k} y^k` with :math:`y = \sin^2(w/2)`; H
    takes the roots within the unit circle (Daubechies 1988, doi:10.1002/cpa.3160410705).

    Examples
    --------
    >>> scaling_filter(1).round(6).tolist()
    [0.707107, 0.707107]
    """
    h = np.ones(1)
    for y in np.roots([comb(n - 1 + k, k) for k in range(n - 1, -1, -1)]):
        pair = np.roots([1.0, 4 * y - 2, 1.0])  # z + 1/z = 2 - 4y
        h = np.convolve(h, [1.0, -pair[np.abs(pair).argmin()]])
    for _ in range(n):
        h = np.convolve(h, [1.0, 1.0])
    h = np.real(h)
    h = np.asarray(h * np.sqrt(2) / h.sum())
    h.setflags(write=False)
    return h


def moments_of(wavelet: str) -> int:
    """Return n of ``"dbN"``.

    Raises
    ------
    MedgraftError
    """
    number = wavelet.removeprefix("db")
    if not (wavelet.startswith("db") and number.isdecimal() and 1 <= int(number) <= MOST):
        raise MedgraftError(f"There is no wavelet '{wavelet}': use db1 (Haar) to db{MOST}.")
    return int(number)


def packets(X: Floats, n: int, level: int) -> Floats:
    r"""Return the coefficients (..., 2^level, L / 2^level) of periodic packets, lowest frequency first.

    The transform is orthogonal, so their squares sum to those of X (..., L); L is a multiple of 2^level.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=64)
    >>> bool(np.isclose((packets(x, 4, 3) ** 2).sum(), (x**2).sum()))
    True
    """
    h = scaling_filter(n)
    g = h[::-1] * (-1.0) ** np.arange(len(h))
    nodes = X[..., None, :]
    for _ in range(level):
        length = nodes.shape[-1]
        at = (2 * np.arange(length // 2)[:, None] + np.arange(len(h)) - (n - 1)) % length
        windows = nodes[..., at]
        halves = np.stack([windows @ h, windows @ g], axis=-2)
        halves[..., 1::2, :, :] = halves[..., 1::2, ::-1, :]  # a high-pass turns the order of frequencies
        nodes = halves.reshape(*halves.shape[:-3], -1, length // 2)
    return np.asarray(nodes)
