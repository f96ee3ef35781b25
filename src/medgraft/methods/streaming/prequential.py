"""How good a model is while it learns: each window is predicted first, and learnt from afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError


class Streams(Protocol):
    """What can be evaluated on a stream: `StreamingModel` and `Frozen`."""

    classes_: NDArray[Any]

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, labelled: ArrayLike | None = None
    ) -> Any:
        """Learn from windows."""

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict labels."""


@dataclass(frozen=True)
class Prequential:
    """Every prediction of one pass over a stream.

    Parameters
    ----------
    right : array (n,) of bool
        Whether the window was predicted rightly, before it was learnt from.
    seen : array (n,) of int
        Labels that the model had seen by then.
    """

    right: NDArray[np.bool_]
    seen: Ints

    @property
    def labels(self) -> Ints:
        """Numbers of labels at which windows were predicted."""
        return np.unique(self.seen)

    @property
    def accuracy(self) -> Floats:
        """Share of windows predicted rightly at each of `labels`."""
        n = np.bincount(self.seen)
        return np.asarray(np.bincount(self.seen, self.right)[n > 0] / n[n > 0])

    def up_to(self, labels: int) -> float:
        """Accuracy over all windows predicted with at most so many labels seen."""
        return float(self.right[self.seen <= labels].mean())


def accuracy_over_labels(
    model: Streams, stream: Iterable[tuple[ArrayLike, Any]], *, label_every: int
) -> Prequential:
    r"""Predict each window of a stream, then learn from it, with its label once in a while.

    Use it for what a person would have met: the model's errors from the first window on. Not to compare
    stages of learning where activities come in blocks, for then early windows are other activities than late
    ones: keep windows apart for that. A window is never predicted after it was learnt from:

    .. math:: a(l) = \frac{1}{|T_l|} \sum_{t \in T_l} 1[\hat y_{t \mid 1..t-1} = y_t],
        \qquad T_l = \{t : l \text{ labels seen before } t\}

    Parameters
    ----------
    model : StreamingModel or Frozen
        Is taught: give a copy, ``type(model).from_state(model.state())``, to keep the start.
    stream : iterable of (window (p,), label)
        In the order of time.
    label_every : int
        Of every so many windows the last is learnt with its label, the others without; 0 tells no label.

    Returns
    -------
    Prequential

    Raises
    ------
    InputError
        `label_every` is negative, or the stream is empty.

    Notes
    -----
    Before its first label a model without a population knows no class, and each prediction counts as wrong.
    Cost that of one prediction and one update a window. Predict, then learn: Dawid (1984),
    doi:10.2307/2981683.

    Examples
    --------
    >>> from medgraft.methods.streaming.kmeans import StreamingKMeans
    >>> m = StreamingKMeans().blank([[0.0], [1.0]])
    >>> made = accuracy_over_labels(m, [([0.0], "sit"), ([0.1], "sit"), ([0.9], "walk")], label_every=1)
    >>> made.labels.tolist(), made.accuracy.tolist()
    ([0, 1, 2], [0.0, 1.0, 0.0])
    """
    if label_every < 0:
        raise InputError(f"label_every must be 0 or more, not {label_every!r}.")
    right, seen, told = [], [], 0
    for t, (x, y) in enumerate(stream, start=1):
        window = np.asarray(x, dtype=float)[None]
        right.append(bool(len(model.classes_) and model.predict(window)[0] == y))
        seen.append(told)
        if label_every and t % label_every == 0:
            model.partial_fit(window, [y])
            told += 1
        else:
            model.partial_fit(window)
    if not right:
        raise InputError("The stream is empty: give at least one window and its label.")
    return Prequential(np.array(right), np.array(seen, dtype=np.intp))
