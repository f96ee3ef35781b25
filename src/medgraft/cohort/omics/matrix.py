"""The matrix of a cohort's samples and its many features, memory-mapped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.limits import MAX_PIXELS
from medgraft.cohort.omics import base
from medgraft.cohort.omics.base import CHUNK, Block, Matrix
from medgraft.cohort.omics.opening import cached
from medgraft.cohort.omics.store import Tell
from medgraft.cohort.omics.values import Values

_ORIENTATIONS = ("auto", "rows", "columns")


class Omics(Matrix):
    r"""Samples x features of one file, with the table that the file has of its samples.

    Use it for matrices too wide for a table: methylation arrays, expression, metabolites. The file is
    read once, in pieces, into a cache on disk (``$MEDGRAFT_CACHE/omics``, 4 bytes a value, named by the
    file's content); afterwards it opens at once. Not for tables of a few hundred columns that are read
    with :func:`medgraft.read`.

    Get one from :meth:`open`; :meth:`select` and :meth:`keep` give views of fewer features, without copies.

    Attributes
    ----------
    path : Path
        The file that was read.
    features : ndarray of str, (p,)
    table : DataFrame
        One row a sample: ``sample`` and what the file says of it (characteristics of a series matrix, obs of
        an .h5ad, columns of text of a CSV).
    warnings : tuple of str

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "betas.csv"
    >>> _ = path.write_text("probe,GSM1,GSM2\ncg01,0.25,0.5\ncg02,NA,1\ncg03,0.75,0\n")
    >>> betas = Omics.open(path)
    >>> betas.shape, betas.samples, betas.row("GSM2").tolist()
    ((2, 3), ['GSM1', 'GSM2'], [0.5, 1.0, 0.0])
    >>> betas.keep(max_missing=0.2).features.tolist()
    ['cg01', 'cg03']
    """

    def __init__(
        self,
        path: Path,
        folder: Path,
        facts: dict[str, Any],
        columns: NDArray[np.int64] | None = None,
    ) -> None:
        self.path, self._folder, self._facts, self._columns = path, folder, facts, columns
        self._values = Values(folder / "values.f32", int(facts["n"]), int(facts["p"]))
        every: NDArray[np.object_] = facts["features"]
        self.features = every if columns is None else every[columns]
        self.table: pd.DataFrame = facts["table"]
        self.warnings: tuple[str, ...] = tuple(facts["said"])

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        orientation: str = "auto",
        ids: Iterable[str] = (),
        progress: Tell | None = None,
    ) -> Omics:
        """Read a matrix, or find it in the cache.

        Parameters
        ----------
        path : path
            CSV or TSV (also with semicolons or blanks, also .gz), a GEO series matrix (.txt, .txt.gz), .h5ad
            or Parquet; the content decides, not the name.
        orientation : {"auto", "rows", "columns"}
            Where the samples of a CSV, TSV or Parquet are. By default: where `ids` are; failing that, probes
            are known by their names (``cg...``, ``ENSG...``); failing that, the longer side is the features.
        ids : iterable of str, optional
            Names of samples.
        progress : callable, optional
            Called with what is done and the total.

        Raises
        ------
        MedgraftError
            The file is absent, damaged, no matrix of numbers, or too large for the disk; the message names
            it.

        Notes
        -----
        Memory is bounded whatever the shape (some 100 MiB beside the names); the cache takes 4 n p bytes,
        twice
        that for a moment.
        """
        if orientation not in _ORIENTATIONS:
            near = did_you_mean(orientation, _ORIENTATIONS)
            raise MedgraftError(f"orientation is one of auto, rows and columns, not '{orientation}'.{near}")
        place = Path(path)
        if not place.is_file():
            what = "is a folder" if place.is_dir() else "does not exist"
            raise MedgraftError(f"The matrix '{place}' {what}: give a file.")
        return cls(place, *cached(place, orientation, frozenset(ids), progress))

    @property
    def n(self) -> int:
        """Number of samples."""
        return self._values.n

    @cached_property
    def samples(self) -> list[str]:
        """Names of the samples, in the order of the rows."""
        return [str(s) for s in self.table["sample"]]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.samples)}

    @property
    def values(self) -> Block:
        """All values, (n, p), read-only: memory-mapped, or a copy for a view of some features.

        Raises
        ------
        MedgraftError
            The copy of a view would take more than 1 GiB.
        """
        if self._columns is None:
            return self._values.mapped()
        if self.n * len(self._columns) > MAX_PIXELS:
            raise MedgraftError(
                f"{self.n} x {len(self._columns)} values of '{self.path}' are too many for memory: go "
                "through "
                "blocks(), or reduce() them."
            )
        return self.take(range(self.n))

    def row(self, name: str) -> Block:
        """Return the values of one sample, (p,).

        Raises
        ------
        MedgraftError
            There is no sample of this name.
        """
        return self.take([self.index([name])[0]])[0]

    def index(self, names: Sequence[str]) -> list[int]:
        """Return the rows of some samples."""
        for name in names:
            if name not in self._places:
                near = did_you_mean(name, self.samples[:10_000])
                raise MedgraftError(f"'{self.path}' has no sample '{name}'.{near}")
        return [self._places[name] for name in names]

    def take(self, rows: Iterable[int]) -> Block:
        """Return some rows, (rows, p), as a copy."""
        return self._values.take(list(rows), self._columns)

    def rows(self, rows: ArrayLike | None) -> NDArray[np.int64]:
        """Return row numbers from numbers, a mask, or None for all."""
        if rows is None:
            return np.arange(self.n)
        chosen = np.asarray(rows)
        if chosen.dtype == bool and chosen.shape == (self.n,):
            return np.flatnonzero(chosen)
        if (
            chosen.ndim != 1
            or chosen.dtype.kind not in "iu"
            or (chosen < 0).any()
            or (chosen >= self.n).any()
        ):
            raise MedgraftError(
                f"Rows of '{self.path}' are numbers from 0 to {self.n - 1}, or a mask of {self.n}."
            )
        return chosen.astype(np.int64)

    def chunks(self) -> Iterator[Block]:
        """Yield runs of whole rows, (some, p), at most 64 MiB each."""
        return self.chunks_of(np.arange(self.n))

    def chunks_of(self, rows: NDArray[np.int64]) -> Iterator[Block]:
        """Yield runs of the given rows."""
        step = max(1, CHUNK // self._values.p)
        for start in range(0, len(rows), step):
            yield self.take(rows[start : start + step].tolist())

    def blocks(self, columns: int = 4096) -> Iterator[tuple[slice, Block]]:
        """Yield runs of whole columns with their places, (n, at most `columns`); at most 64 MiB each."""
        return self.blocks_of(np.arange(self.n), columns)

    def blocks_of(self, rows: NDArray[np.int64], columns: int = 4096) -> Iterator[tuple[slice, Block]]:
        """Yield runs of whole columns of the given rows."""
        p = len(self.features)
        step = max(1, min(columns, CHUNK // max(len(rows), 1)))
        every = np.arange(p) if self._columns is None else self._columns
        for start in range(0, p, step):
            place = slice(start, min(start + step, p))
            yield place, self._values.block(rows.tolist(), every[place])

    def missing_rate(self, rows: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return the share of samples (of the given rows) without a value, for each feature, (p,)."""
        return base.missing_rate(self.only(rows))

    def variance(self, rows: ArrayLike | None = None) -> NDArray[np.float64]:
        """Return the variance of each feature's known values, (p,), exact; NaN with fewer than two of "
        "them."""
        return base.variance(self.only(rows))

    def only(self, rows: ArrayLike | None) -> Matrix:
        """Return the matrix of some rows alone."""
        from medgraft.cohort.omics.rows import Stack

        return self if rows is None else Stack([(self, self.rows(rows))])

    def select(self, features: Collection[str]) -> Omics:
        """Return the matrix of some features, in the order given; a view.

        Raises
        ------
        MedgraftError
            A feature is not there.
        """
        places = self.places(features)
        absent = [f for f, k in zip(features, places.tolist(), strict=True) if k < 0]
        if absent:
            near = did_you_mean(str(absent[0]), self.features[:10_000])
            raise MedgraftError(
                f"'{self.path}' has no feature '{absent[0]}' ({len(absent)} are absent).{near}"
            )
        return self.at(places)

    def places(self, features: Collection[str]) -> NDArray[np.int64]:
        """Return where features are, -1 for those that are not there."""
        found: NDArray[np.int64] = pd.Index(self.features).get_indexer(pd.Index(list(features), dtype=object))
        return found.astype(np.int64)

    def at(self, places: NDArray[np.int64]) -> Omics:
        """Return the matrix of the features at some places; a view."""
        if len(places) == 0:
            raise MedgraftError(f"No feature of '{self.path}' is left: loosen the limits.")
        columns = places if self._columns is None else self._columns[places]
        return Omics(self.path, self._folder, self._facts, columns)

    def keep(
        self, *, max_missing: float = 0.2, min_variance: float = 0.0, rows: ArrayLike | None = None
    ) -> Omics:
        """Return the matrix of the features that are measured often enough and vary; a view.

        Parameters
        ----------
        max_missing : float, default 0.2
            Largest share of missing values.
        min_variance : float, default 0
            The variance must be larger.
        rows : int or bool array, optional
            What both are computed on: the training part, where the result goes into a model.
        """
        part = self.only(rows)
        good = (base.missing_rate(part) <= max_missing) & (np.nan_to_num(base.variance(part)) > min_variance)
        return self.at(np.flatnonzero(good))

    def reduce(
        self, k: int = 50, rows: ArrayLike | None = None, method: str = "pca", **options: Any
    ) -> pd.DataFrame:
        """Return `k` columns for every sample, learnt from the given rows alone.

        Parameters
        ----------
        k : int, default 50
        rows : int or bool array, optional
            The training rows; default all.
        method : {"pca", "variance"}
        **options
            Of :class:`OmicsReducer`.

        Returns
        -------
        DataFrame, (n, k)
            Indexed by sample.
        """
        from medgraft.cohort.omics.reduce import OmicsReducer

        reducer = OmicsReducer(k, method, **options).fit(self.only(rows))
        return reducer.transform(self).set_axis(self.samples)

    def __repr__(self) -> str:
        return f"Omics('{self.path}', {self.n} samples x {len(self.features)} features)"
