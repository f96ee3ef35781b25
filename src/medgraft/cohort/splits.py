"""Splits as a table: decided once, written to a file, read back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Ints = NDArray[np.intp]

PARTS = ("labelled", "unlabelled", "test")
_COLUMNS = ("repeat", "fold", "budget", "row", "part")


@dataclass(frozen=True, eq=False)
class Split:
    """One split: sorted row numbers of the three parts, which share no row and no patient across the test."""

    repeat: int
    fold: int
    budget: int
    labelled: Ints
    unlabelled: Ints
    test: Ints


@dataclass(frozen=True, eq=False)
class Splits:
    """All splits of a trial, as one table.

    Attributes
    ----------
    table : DataFrame
        Columns ``repeat``, ``fold``, ``budget`` (labels per class; -1: all), ``row``, and ``part``
        (``"labelled"``, ``"unlabelled"`` or ``"test"``). A row of the cohort that is in none of the parts
        of a split plays no role in it.

    Examples
    --------
    >>> from medgraft.cohort import kfold_splits, read
    >>> cohort = read(pd.DataFrame({"x": range(8), "ill": [0, 1] * 4}), label="ill")
    >>> splits = kfold_splits(cohort, folds=2)
    >>> [(s.fold, len(s.labelled), len(s.test)) for s in splits]
    [(0, 4, 4), (1, 4, 4)]
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, splits: Iterable[Split]) -> Splits:
        """Put single splits into one table."""
        blocks: dict[str, list[NDArray[Any]]] = {c: [] for c in _COLUMNS}
        for s in splits:
            for code, rows in enumerate((s.labelled, s.unlabelled, s.test)):
                blocks["row"].append(np.sort(rows).astype(np.int64))
                for column, value in (
                    ("repeat", s.repeat),
                    ("fold", s.fold),
                    ("budget", s.budget),
                    ("part", code),
                ):
                    blocks[column].append(np.full(len(rows), value, dtype=np.int64))
        columns: dict[str, Any] = {c: np.concatenate(blocks[c] or [np.empty(0, np.int64)]) for c in _COLUMNS}
        columns["part"] = pd.Categorical(
            np.array(PARTS, dtype=object)[columns["part"]], categories=list(PARTS)
        )
        return cls(pd.DataFrame(columns))

    def __iter__(self) -> Iterator[Split]:
        part = self.table["part"].cat.codes.to_numpy()
        row = self.table["row"].to_numpy()
        groups: dict[Any, Any] = self.table.groupby(["repeat", "fold", "budget"]).indices
        for (repeat, fold, budget), where in groups.items():
            labelled, unlabelled, test = (np.sort(row[where[part[where] == code]]) for code in range(3))
            yield Split(int(repeat), int(fold), int(budget), labelled, unlabelled, test)

    def __len__(self) -> int:
        return len(self.table[["repeat", "fold", "budget"]].drop_duplicates())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Splits) and self.table.equals(other.table)

    __hash__ = None  # type: ignore[assignment]

    def write(self, path: str | Path) -> None:
        """Write the table as Parquet, in one step: a kill leaves the old file or the new one."""
        path = Path(path)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        self.table.to_parquet(partial, index=False)
        partial.replace(path)

    @classmethod
    def read(cls, path: str | Path) -> Splits:
        """Read what :meth:`write` wrote.

        Raises
        ------
        MedgraftError
            The file is missing, or holds no splits.
        """
        if not Path(path).is_file():
            raise MedgraftError(f"The file of splits '{path}' does not exist: check the path.")
        try:
            table = pd.read_parquet(path)[list(_COLUMNS)]
            numbers = table.drop(columns="part").astype(np.int64)
            part = table["part"].astype(str)
            if not part.isin(PARTS).all() or not (numbers == table.drop(columns="part")).all(axis=None):
                raise ValueError("values that no split has")
            table = numbers.assign(part=pd.Categorical(part, categories=list(PARTS)))
            return cls(table[list(_COLUMNS)])
        except Exception as error:  # a parser of arbitrary bytes
            raise MedgraftError(f"'{path}' holds no splits: give the splits.parquet of a trial.") from error
