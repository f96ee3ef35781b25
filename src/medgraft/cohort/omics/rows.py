"""Samples of one or several matrices as one: what a cohort's column of references points to."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.omics.base import CHUNK, Block, Matrix
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from medgraft.cohort.omics.matrix import Omics

_AWKWARD = re.compile(r"[;%:\x00-\x1f]")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")


def reference(path: str | Path, sample: str) -> str:
    """Return the reference to a sample of a matrix; letters that references use themselves are escaped.

    Examples
    --------
    >>> reference("betas.csv.gz", "GSM1"), sample_of(Ref.parse(reference("b.csv", "a;b 50%")))
    ('betas.csv.gz::sample=GSM1', 'a;b 50%')
    """
    return str(Ref(path, sample=_AWKWARD.sub(lambda m: f"%{ord(m[0]):02X}", sample)))


def sample_of(ref: Ref) -> str:
    """Return the name of the sample that a reference points to."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), ref.parts["sample"])


class Stack(Matrix):
    """Rows of matrices of the same features, one part after the other.

    Parameters
    ----------
    parts : list of (Omics, row numbers)
        All with the features of the first.
    """

    def __init__(self, parts: Sequence[tuple[Omics, NDArray[np.int64]]]) -> None:
        self.parts = list(parts)
        self.features = self.parts[0][0].features

    @property
    def n(self) -> int:
        """Number of samples."""
        return sum(len(rows) for _, rows in self.parts)

    def chunks(self) -> Iterator[Block]:
        """Yield runs of whole rows."""
        for omics, rows in self.parts:
            yield from omics.chunks_of(rows)

    def blocks(self, columns: int = 4096) -> Iterator[tuple[slice, Block]]:
        """Yield runs of whole columns."""
        step = max(1, min(columns, CHUNK // max(self.n, 1)))
        for pieces in zip(*(omics.blocks_of(rows, step) for omics, rows in self.parts), strict=True):
            yield pieces[0][0], np.concatenate([block for _, block in pieces])

    def at(self, places: NDArray[np.int64]) -> Stack:
        """Return the matrix of some features."""
        return Stack([(omics.at(places), rows) for omics, rows in self.parts])


class Held(Matrix):
    """A matrix in memory: (n, p) of numbers with the names of its columns."""

    def __init__(self, values: NDArray[Any], features: NDArray[np.object_]) -> None:
        self.values, self.features = values, features

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.values)

    def chunks(self) -> Iterator[Block]:
        """Yield runs of whole rows."""
        step = max(1, CHUNK // max(self.values.shape[1], 1))
        for start in range(0, self.n, step):
            yield _finite(self.values[start : start + step])

    def blocks(self, columns: int = 4096) -> Iterator[tuple[slice, Block]]:
        """Yield runs of whole columns."""
        for start in range(0, self.values.shape[1], columns):
            place = slice(start, min(start + columns, self.values.shape[1]))
            yield place, _finite(self.values[:, place])

    def at(self, places: NDArray[np.int64]) -> Held:
        """Return the matrix of some features."""
        return Held(self.values[:, places], self.features[places])


def _finite(values: NDArray[Any]) -> Block:
    block = np.array(values, dtype=np.float32)
    block[np.isinf(block)] = np.nan
    return block


def as_matrix(X: Any) -> tuple[Matrix, NDArray[np.int64], int]:
    """Return X as a matrix, the places of its rows among those of X, and how many rows X has.

    Parameters
    ----------
    X : Matrix, numbers (n, p), or references (n,) or (n, 1)
        Missing references have no row.

    Raises
    ------
    MedgraftError
        X is none of these, or no reference is there.
    """
    if isinstance(X, Matrix):
        return X, np.arange(X.n), X.n
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(X)
    if all(pd.api.types.is_numeric_dtype(t) for t in frame.dtypes) and frame.shape[1] > 0:
        names = np.array([str(c) for c in frame.columns], dtype=object)
        return (
            Held(frame.to_numpy(dtype=np.float32, na_value=np.nan), names),
            np.arange(len(frame)),
            len(frame),
        )
    if frame.shape[1] != 1:
        raise MedgraftError(
            "Omics are given as numbers (samples x features), or as one column of references to samples."
        )
    cells = frame.iloc[:, 0].tolist()
    there = [(i, Ref.parse(c)) for i, c in enumerate(cells) if isinstance(c, str)]
    stack, places = _stack(there)
    return stack, places, len(cells)


def _stack(refs: list[tuple[int, Ref]]) -> tuple[Matrix, NDArray[np.int64]]:
    from medgraft.cohort.omics.matrix import Omics

    if not refs:
        raise MedgraftError("No sample of this cohort has omics: there is nothing to read.")
    for _, ref in refs:
        if "sample" not in ref.parts:
            raise MedgraftError(
                f"The reference '{ref}' names no sample of a matrix: it needs '::sample=NAME'."
            )
    files = dict.fromkeys(ref.path for _, ref in refs)
    opened, places = [], []
    for file in files:
        names = [(i, sample_of(ref)) for i, ref in refs if ref.path == file]
        omics = Omics.open(file, ids=[name for _, name in names])
        opened.append((omics, np.array(omics.index([name for _, name in names]), np.int64)))
        places += [i for i, _ in names]
    first = opened[0][0]
    if len(opened) == 1:
        return Stack(opened), np.array(places, np.int64)
    shared = np.ones(len(first.features), bool)
    for omics, _ in opened[1:]:
        shared &= omics.places(first.features.tolist()) >= 0
    if 2 * shared.sum() < len(shared):
        raise MedgraftError(
            f"The matrices '{first.path}' and '{opened[1][0].path}' share {int(shared.sum())} of "
            f"{len(shared)} features: they were measured differently and cannot be one cohort's omics."
        )
    if not shared.all():
        warnings.warn(
            f"{int((~shared).sum())} of {len(shared)} features are not in all matrices and are not used.",
            UserWarning,
            stacklevel=4,
        )
    names = first.features[shared].tolist()
    return Stack([(omics.select(names), rows) for omics, rows in opened]), np.array(places, np.int64)
