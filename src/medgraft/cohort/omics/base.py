"""What every matrix of samples x features can do, wherever its values lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CHUNK = 2**24  # values handled at a time: 64 MiB as float32

Block = NDArray[np.float32]


class Matrix(ABC):
    """Samples x features, read in pieces; NaN is a missing value.

    Statistics run over `chunks` of rows, which lie together on disk; what needs all samples of a feature
    at once (medians, Gram matrices) runs over `blocks` of columns.
    """

    features: NDArray[np.object_]

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of samples."""

    @abstractmethod
    def chunks(self) -> Iterator[Block]:
        """Yield runs of whole rows, (some, p), at most `CHUNK` values each."""

    @abstractmethod
    def blocks(self, columns: int = 4096) -> Iterator[tuple[slice, Block]]:
        """Yield runs of whole columns with their places, (n, at most `columns`)."""

    @abstractmethod
    def at(self, places: NDArray[np.int64]) -> Matrix:
        """Return the matrix of the features at some places."""

    @property
    def shape(self) -> tuple[int, int]:
        """Samples, features."""
        return self.n, len(self.features)

    def known(self) -> NDArray[np.int64]:
        """Return how many samples have a value, for each feature, (p,)."""
        count = np.zeros(len(self.features), np.int64)
        for chunk in self.chunks():
            count += np.isfinite(chunk).sum(axis=0)
        return count


def missing_rate(matrix: Matrix) -> NDArray[np.float64]:
    """Return the share of samples without a value, for each feature, (p,)."""
    return 1.0 - matrix.known() / max(matrix.n, 1)


def variance(matrix: Matrix) -> NDArray[np.float64]:
    r"""Return :math:`\sum_i (x_{ij} - \bar x_j)^2 / (n_j - 1)` over the known values, (p,), exactly.

    NaN where fewer than two values are known.
    """
    p = len(matrix.features)
    count, total, squares = np.zeros(p, np.int64), np.zeros(p), np.zeros(p)
    for chunk in matrix.chunks():
        count += np.isfinite(chunk).sum(axis=0)
        total += np.nansum(chunk, axis=0, dtype=np.float64)
    mean = total / np.maximum(count, 1)
    for chunk in matrix.chunks():
        # Row by row: a chunk as float64, and its square, would be four times the chunk.
        for row in chunk:
            off = row - mean
            np.square(off, out=off)
            squares += np.where(np.isnan(off), 0.0, off)
    return np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan)


def fill_values(block: Block, how: str) -> NDArray[np.float64]:
    """Return the median or mean of each column's known values, (columns,); 0 where none is known."""
    known = np.isfinite(block)
    count = known.sum(axis=0)
    if how == "mean":
        total = np.where(known, block, 0).sum(axis=0, dtype=np.float64)
        return np.asarray(total / np.maximum(count, 1), np.float64)
    ordered = np.sort(np.ascontiguousarray(block.T), axis=1)  # NaN goes last
    last = np.maximum(count - 1, 0)
    low, high = last // 2, (last + 1) // 2
    place = np.arange(len(ordered))
    middle = (ordered[place, low].astype(np.float64) + ordered[place, high]) / 2
    return np.where(count > 0, middle, 0.0)


def filled(block: Block, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a block as float64 with its missing values replaced, column by column."""
    out = block.astype(np.float64)
    rows, columns = np.nonzero(np.isnan(out))
    out[rows, columns] = values[columns]
    return out
