"""The numbers of a matrix on disk, read in pieces without mapping them, so that memory stays what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.omics.base import Block


@dataclass(frozen=True)
class Values:
    """Plain float32, (n, p), row after row.

    Attributes
    ----------
    file : Path
    n, p : int
    """

    file: Path
    n: int
    p: int

    def mapped(self) -> Block:
        """Return all values, memory-mapped and read-only."""
        return np.memmap(self.file, np.float32, "r", shape=(self.n, self.p))

    def take(self, rows: list[int], columns: NDArray[np.int64] | None) -> Block:
        """Return whole rows, or some of their columns."""
        out = np.empty((len(rows), self.p if columns is None else len(columns)), np.float32)
        row = np.empty(self.p, np.float32)
        with self.file.open("rb") as file:
            for i, r in enumerate(rows):
                self._fill(file, r * self.p, row)
                out[i] = row if columns is None else row[columns]
        return out

    def block(self, rows: list[int], columns: NDArray[np.int64]) -> Block:
        """Return some columns of some rows, reading of each row only from the first to the last of them."""
        low, high = int(columns.min()), int(columns.max()) + 1
        out = np.empty((len(rows), len(columns)), np.float32)
        span = np.empty(high - low, np.float32)
        whole = len(columns) == high - low and bool((np.diff(columns) == 1).all())
        with self.file.open("rb") as file:
            for i, r in enumerate(rows):
                self._fill(file, r * self.p + low, span)
                out[i] = span if whole else span[columns - low]
        return out

    def _fill(self, file: Any, start: int, into: Block) -> None:
        file.seek(4 * start)
        if file.readinto(into.data) != into.nbytes:
            raise MedgraftError(f"The cached matrix '{self.file.parent}' is damaged: delete this folder.")
