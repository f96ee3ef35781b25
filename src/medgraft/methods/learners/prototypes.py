"""Nearest prototypes: nearest neighbours without the neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.clusters import clusters
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

COUNTS = (1, 2, 4, 8, 16)
WIDTHS = (0.25, 0.5, 1.0, 2.0)


@learner("prototypes", refs=("Hastie and Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02073.x",))
class PrototypeLearner(TaskLearner):
    r"""Vote of the nearest prototypes, each the mean of three or more patients.

    Use it where nearest neighbours would be used: few features, classes of several kinds of patients. Nearest
    neighbours themselves are not offered, because their model is the training rows, which a graft must not
    hold. Not with many features that carry nothing: they blur all distances.

    The rows of each class (for values: all rows) are cut into clusters by k-means; cluster j of class
    :math:`c_j` has mean :math:`m_j` and weight :math:`n_j`, and

    .. math:: p(k \mid x) \propto \sum_{j: c_j = k} n_j \exp\left(-\frac{\|x - m_j\|^2}{2 h^2 s^2}\right),

    with :math:`s^2` the mean variance of a feature within clusters times the root of the number of features
    (features are seldom independent, and a product of p of them would be too sure). A value is the mean of
    the clusters' values with the same weights.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also starts k-means.
    count : int, optional
        Most prototypes a class (for values: four times as many in all); default chosen among 1, 2, 4, 8, 16.
    width : float, optional
        h; default chosen among 0.25, 0.5, 1 and 2.
    folds : int
        Inner splits.

    Attributes
    ----------
    count_, width_ : int, float
        Chosen by held-out log loss or squared error; 1 and 1 where there was too little to choose by.
    centres_ : array (c, p)
        Means of standardised rows.
    share_ : array (c,)
        Weights.
    value_ : array (c, K) or (c, 1)
        Class, or mean value, of each prototype.
    spread_ : float
        :math:`s^2`.

    Raises
    ------
    InputError
        `count` is less than 1 or `width` is not positive.

    Notes
    -----
    A class of one or two patients is their mean. Cost O(n p c) a round of k-means.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(size=(40, 2)) * 0.3 + c for c in ([-2, 0], [0, 0], [2, 0])])
    >>> m = PrototypeLearner().fit(X, np.repeat(["ill", "well", "ill"], 40))
    >>> m.predict([[-2, 0], [0, 0], [2, 0]]).tolist()
    ['ill', 'well', 'ill']
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        count: int | None = None,
        width: float | None = None,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.count = count
        self.width = width
        self.folds = folds
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        if self.count is not None and self.count < 1:
            raise InputError(f"count must be 1 or more, not {self.count!r}.")
        if self.width is not None and not self.width > 0:
            raise InputError(f"width must be more than 0, not {self.width!r}.")
        counts = COUNTS if self.count is None else (self.count,)
        widths = WIDTHS if self.width is None else (self.width,)
        self.count_, self.width_ = self.count or 1, self.width or 1.0
        fold = lesson.folds(self.folds, self.random_state)
        if fold is not None and len(counts) * len(widths) > 1:
            losses = np.zeros((len(counts), len(widths)))
            for f in np.unique(fold):
                learnt, held = lesson.take(fold != f), lesson.take(fold == f)
                for i, count in enumerate(counts):
                    made = Prototypes.of(learnt, count, self.random_state)
                    for j, width in enumerate(widths):
                        losses[i, j] += _loss(made.vote(held.Z, width), held)
            best = np.argwhere(losses <= losses.min() + 1e-9 * np.abs(losses.min()))[0]
            self.count_, self.width_ = counts[best[0]], widths[best[1]]
        made = Prototypes.of(lesson, self.count_, self.random_state)
        self.centres_, self.share_, self.value_, self.spread_ = (
            made.centres,
            made.share,
            made.value,
            made.spread,
        )

    def _output(self, Z: Floats) -> Floats:
        made = Prototypes(self.centres_, self.share_, self.value_, self.spread_)
        out = made.vote(Z, self.width_)
        return out[:, 0] if self.task == "regression" else out


def _loss(out: Floats, held: Lesson) -> float:
    if held.k:
        each = -np.log(np.maximum(out[np.arange(len(out)), held.y], 1e-12))
    else:
        each = (out[:, 0] - held.y) ** 2
    return float(held.weight @ each)


@dataclass(frozen=True)
class Prototypes:
    """Prototypes of one fit: see `PrototypeLearner`."""

    centres: Floats
    share: Floats
    value: Floats
    spread: float

    @classmethod
    def of(cls, lesson: Lesson, count: int, seed: int) -> Prototypes:
        """Cluster each class, or all rows."""
        parts = [lesson.y == k for k in range(lesson.k)] or [np.ones(len(lesson.y), dtype=bool)]
        centres, share, value, inside = [], [], [], 0.0
        for part in parts:
            some = lesson.take(part)
            m, near, n = clusters(some, count if lesson.k else 4 * count, seed)
            T = np.zeros((len(m), some.targets.shape[1]))
            np.add.at(T, near, some.targets * some.weight[:, None])
            inside += float(some.weight @ ((some.Z - m[near]) ** 2).sum(axis=1))
            centres.append(m)
            share.append(n)
            value.append(T / n[:, None])
        p = lesson.Z.shape[1]
        spread = inside / (lesson.weight.sum() * p) * np.sqrt(p)
        return cls(np.vstack(centres), np.concatenate(share), np.vstack(value), max(float(spread), 1e-6))

    def vote(self, Z: Floats, width: float) -> Floats:
        """Mean value (n, K or 1) of the prototypes by nearness."""
        far = ((Z**2).sum(axis=1)[:, None] - 2.0 * Z @ self.centres.T) + (self.centres**2).sum(axis=1)
        score = np.log(self.share) - far / (2.0 * width**2 * self.spread)
        weight = np.exp(score - score.max(axis=1, keepdims=True))
        return np.asarray((weight / weight.sum(axis=1, keepdims=True)) @ self.value)
