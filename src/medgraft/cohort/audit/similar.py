"""Near copies among small copies of samples: candidates by hash, then their correlation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.audit.neighbours import Pairs, near_pairs
from medgraft.cohort.audit.sketches import Sketch

_WORDS = 2
# Two samples that correlate by r differ in arccos(r) / pi of the bits: 4 of 128 for r = 0.995, and more than
# 14 in one of 100,000 such pairs.
_MAX_BITS = 14
_BLOCK = 128  # samples at a time, so that memory does not grow with their number
# Below so many samples the mean is made of the copies themselves.
_ENOUGH = 20
_MOST_CANDIDATES = 2_000_000


@dataclass(frozen=True)
class Alike:
    """Pairs of samples that are alike.

    Attributes
    ----------
    pairs : ndarray of int, (p, 2)
        Positions in the sketch.
    correlation : ndarray of float, (p,)
    beyond : ndarray of float, (p,)
        Their correlation after the mean of all samples is taken from both; NaN where there are few.
    """

    pairs: Pairs
    correlation: NDArray[np.float64]
    beyond: NDArray[np.float64]

    def only(self, which: NDArray[Any]) -> Alike:
        """Return some of the pairs."""
        return Alike(self.pairs[which], self.correlation[which], self.beyond[which])


def near_copies(sketch: Sketch) -> Alike:
    r"""Return the pairs of samples that correlate above the sketch's limit.

    Candidates are pairs whose 128-bit hashes differ in at most 14 bits. A bit of the hash is the sign of a
    random projection of the standardised sample, so two samples with correlation :math:`r` differ in a share
    :math:`\arccos(r) / \pi` of the bits on average (Charikar 2002, doi:10.1145/509907.509965). The
    correlation of every candidate is then worked out. Constant samples are left out.

    Notes
    -----
    A pair at the limit of 0.995 is missed with a chance below 0.00001.
    """
    plain = _Standard(sketch, sketch.centre)
    return _verify(plain, plain, near_pairs(_hashes(plain), _MAX_BITS, limit=_MOST_CANDIDATES), sketch.alike)


def turned_copies(sketch: Sketch) -> Iterator[tuple[str, Alike]]:
    """Yield pairs in which the first image is the second one mirrored or turned, by how it was turned.

    An image that is its own mirror image is no such pair, and neither are two that are as much alike
    unturned.
    """
    plain = _Standard(sketch)
    hashes = _hashes(plain)
    for name, turn in _TURNS.items():
        turned = _Standard(sketch, turn=turn)
        found = near_pairs(_hashes(turned), _MAX_BITS, other=hashes, limit=_MOST_CANDIDATES)
        found = found[found[:, 0] != found[:, 1]]
        alike = _verify(turned, plain, found, sketch.alike)
        unturned = _correlations(plain, plain, alike.pairs)
        yield name, alike.only(unturned < np.minimum(alike.correlation, sketch.alike))


_TURNS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "mirrored": lambda a: a[:, :, ::-1],
    "upside down": lambda a: a[:, ::-1],
    "turned by 90 degrees": lambda a: np.rot90(a, 1, (1, 2)),
    "turned by 180 degrees": lambda a: np.rot90(a, 2, (1, 2)),
    "turned by 270 degrees": lambda a: np.rot90(a, 3, (1, 2)),
    "mirrored and turned by 90 degrees": lambda a: np.rot90(a[:, :, ::-1], 1, (1, 2)),
    "mirrored and turned by 270 degrees": lambda a: np.rot90(a[:, :, ::-1], 3, (1, 2)),
}


class _Standard:
    """Samples with mean 0 and length 1, made a block at a time."""

    def __init__(
        self,
        sketch: Sketch,
        centre: bool = False,
        turn: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
    ) -> None:
        self._values, self._shape, self._turn = sketch.values, sketch.shape, turn
        self._origin: NDArray[np.float32] | float = 0.0
        if centre and len(sketch.values) >= 4:
            self._origin = self.mean()
        self.usable = np.concatenate([np.zeros(0, bool), *[abs(b).max(axis=1) > 0 for _, b in self.blocks()]])

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        values = self._values[rows]
        if self._turn is not None and self._shape is not None:
            values = self._turn(values.reshape(-1, *self._shape)).reshape(len(values), -1)
        return _unit(_unit(values.astype(np.float32)) - self._origin)

    def blocks(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Yield rows and their standardised values."""
        for start in range(0, len(self), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(self)))
            yield rows, self[rows]

    def mean(self) -> NDArray[np.float32]:
        """Return the mean of all samples."""
        total = np.zeros(self._values.shape[1], np.float64)
        for _, block in self.blocks():
            total += block.sum(axis=0)
        return (total / max(1, len(self))).astype(np.float32)


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    # Below this a picture is one grey value, and the rest is rounding.
    least = 1e-5 * np.sqrt(values.shape[1]) * np.abs(values).max(axis=1, keepdims=True)
    return np.where(length > least, centred / np.maximum(length, 1e-30), np.float32(0))


def _hashes(samples: _Standard) -> NDArray[np.uint64]:
    size = samples[np.arange(1)].shape[1] if len(samples) else 1
    # The planes are part of the method, not of chance: a cohort always gets the same hashes.
    planes = np.random.default_rng(20240229).standard_normal((size, 64 * _WORDS), dtype=np.float32)
    out = np.zeros((len(samples), _WORDS), dtype=np.uint64)
    for rows, block in samples.blocks():
        out[rows] = np.packbits(block @ planes > 0, axis=1).view(np.uint64)
    return out


def _verify(a: _Standard, b: _Standard, pairs: Pairs, limit: float) -> Alike:
    pairs = pairs[a.usable[pairs[:, 0]] & b.usable[pairs[:, 1]]]
    correlation = _correlations(a, b, pairs)
    near = correlation > limit
    pairs, correlation = pairs[near], correlation[near]
    if len(b) < _ENOUGH or len(pairs) == 0:
        return Alike(pairs, correlation, np.full(len(pairs), np.nan))
    return Alike(pairs, correlation, _correlations(a, b, pairs, b.mean()))


def _correlations(
    a: _Standard, b: _Standard, pairs: Pairs, origin: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    out = np.zeros(len(pairs))
    for start in range(0, len(pairs), _BLOCK):
        i, j = pairs[start : start + _BLOCK].T
        x, y = a[i], b[j]
        if origin is not None:
            x, y = _unit(x - origin), _unit(y - origin)
        out[start : start + _BLOCK] = np.einsum("ij,ij->i", x, y, dtype=np.float64)
    return out
