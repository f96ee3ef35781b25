"""What views of signals share: checks, names of columns, means over a grid."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.montage import whole
from medgraft.sources.views.base import View

Floats = NDArray[np.float64]


class SignalView(View):
    """Base of the views that look at each channel on its own.

    Derive from it and implement ``_features`` and ``_columns``.
    """

    def names(self, sample: Signal) -> list[str]:
        """Return ``"channel feature"`` for each number, channel by channel."""
        columns = self._columns(sample.rate, sample.values.shape[1])
        return [f"{channel} {column}" for channel in once(sample.channels) for column in columns]

    def __call__(self, sample: Signal) -> NDArray[np.float32]:
        """Return the numbers (channels x features,); NaN where a channel has none, as a flat one.

        Raises
        ------
        MedgraftError
            The signal has gaps or no samples, or is too short for the settings.
        """
        X = whole(sample)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self._features(X, sample.rate)
        return as_row(found)

    @abstractmethod
    def _features(self, X: Floats, rate: float) -> Floats:
        """Return (channels, k) of X (channels, samples)."""

    @abstractmethod
    def _columns(self, rate: float, length: int) -> list[str]:
        """Return the names of the k features."""


def as_row(found: Floats) -> NDArray[np.float32]:
    """Return float32 (p,) with NaN for what is no finite number."""
    row = np.asarray(found, np.float64).ravel()
    return np.where(np.isfinite(row), row, np.nan).astype(np.float32)


def once(names: tuple[str, ...]) -> list[str]:
    """Return names of which each comes once; later ones of the same name are numbered.

    Examples
    --------
    >>> once(("V1", "II", "V1"))
    ['V1', 'II', 'V1 (2)']
    """
    return [
        name if name not in names[:i] else f"{name} ({names[:i].count(name) + 1})"
        for i, name in enumerate(names)
    ]


def shares(A: Floats, cells: int) -> Floats:
    """Return means over `cells` equal parts of the last axis; where it is shorter, values come twice.

    Examples
    --------
    >>> shares(np.arange(6.0), 3).tolist(), shares(np.arange(2.0), 4).tolist()
    ([0.5, 2.5, 4.5], [0.0, 0.0, 1.0, 1.0])
    """
    edges = np.arange(cells + 1) * A.shape[-1] // cells
    sizes = np.maximum(np.diff(edges), 1)
    return np.asarray(np.add.reduceat(A, edges[:-1], axis=-1) / sizes)


def at_least(what: str, value: float, least: float) -> None:
    """Refuse a setting below the least.

    Raises
    ------
    MedgraftError
    """
    if not least <= value < float("inf"):
        raise MedgraftError(f"The setting {what}={value:g} of a view must be {least:g} or more.")


def in_time(what: str, samples: int, length: int) -> None:
    """Refuse windows that are longer than the signal, or of fewer than 4 samples.

    Raises
    ------
    MedgraftError
    """
    if not 4 <= samples <= length:
        raise MedgraftError(
            f"The view '{what}' takes windows of {samples} samples, and the signal has {length}: choose "
            "seconds so that a window has 4 samples or more and fits."
        )
