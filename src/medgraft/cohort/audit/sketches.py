"""One pass over the samples of a kind: a few KB of each are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError


@dataclass(frozen=True)
class Sketch:
    """What is kept of the samples of one kind.

    Attributes
    ----------
    rows : ndarray of int, (m,)
        The rows whose sample could be opened.
    values : ndarray, (m, d)
        A small copy of each sample; copies correlate above `alike`, whatever their brightness or gain.
    stats : DataFrame, (m, k)
        Figures of each sample.
    families : mapping
        Figures of `stats` that are about how a sample was made, not about the patient, by what they are.
    failed : ndarray of int
        The rows whose sample could not be opened.
    alike : float
        The correlation above which two samples are near copies.
    shape : tuple of int or None
        The sides of `values` as a picture, where turning it makes sense.
    centre : bool
        Whether samples are alike as a rule, so that only what differs from their mean is compared.
    """

    rows: NDArray[np.intp]
    values: NDArray[Any]
    stats: pd.DataFrame
    families: Mapping[str, Sequence[str]]
    failed: NDArray[np.intp]
    alike: float
    shape: tuple[int, int] | None = None
    centre: bool = False


class Sketcher(Protocol):
    """What a module ``sketch_KIND`` has."""

    SIZE: int
    DTYPE: type
    ALIKE: float
    SHAPE: tuple[int, int] | None
    CENTRE: bool
    FAMILIES: Mapping[str, Sequence[str]]

    @staticmethod
    def sketch(text: str) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the small copy, (SIZE,), and the figures of a sample."""


def sketch_of(kind: str, cells: NDArray[np.object_], progress: Callable[[int, int], None] | None) -> Sketch:
    """Open every sample of a kind once.

    Parameters
    ----------
    kind : {"image", "volume", "signal", "omics"}
    cells : ndarray of object, (n,)
        References; None where a patient has no such sample.
    progress : callable, optional

    Raises
    ------
    MedgraftError
        None of the samples can be opened; the message is that of the first.
    """
    made: Any = import_module(f"medgraft.cohort.audit.sketch_{kind}")
    maker: Sketcher = made
    there = [i for i, cell in enumerate(cells) if cell is not None]
    values: NDArray[Any] = np.zeros((len(there), maker.SIZE), dtype=maker.DTYPE)
    rows: list[int] = []
    figures: dict[str, list[Any]] = {}
    failed: list[int] = []
    first: MedgraftError | None = None
    for done, i in enumerate(there):
        try:
            small, facts = maker.sketch(cells[i])
        except MedgraftError as error:
            failed.append(i)
            first = first or error
        else:
            values[len(rows)] = small
            rows.append(i)
            for name, value in facts.items():
                figures.setdefault(name, []).append(value)
        if progress is not None:
            progress(done + 1, len(there))
    if first is not None and not rows:
        raise first
    return Sketch(
        np.array(rows, dtype=np.intp),
        values[: len(rows)],
        pd.DataFrame(figures, index=range(len(rows))),
        maker.FAMILIES,
        np.array(failed, dtype=np.intp),
        maker.ALIKE,
        maker.SHAPE,
        maker.CENTRE,
    )


def area_means(values: NDArray[Any], length: int) -> NDArray[np.float64]:
    """Return each row's means over `length` equal parts, whole and part samples weighed by what they cover.

    Examples
    --------
    >>> area_means(np.array([[1.0, 2, 3, 4, 5, 6]]), 3).tolist(), area_means(np.array([[1.0, 3]]), 4).tolist()
    ([[1.5, 3.5, 5.5]], [[1.0, 1.0, 3.0, 3.0]])
    """
    n = values.shape[1]
    edges = np.linspace(0, n, length + 1)
    area = np.concatenate(
        [
            np.zeros((len(values), 1)),
            np.cumsum(np.nan_to_num(values, posinf=0, neginf=0), axis=1, dtype=float),
        ],
        axis=1,
    )
    at = np.stack([np.interp(edges, np.arange(n + 1), row) for row in area])
    return np.diff(at, axis=1) * (length / n)
