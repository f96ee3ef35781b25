"""What all ways of giving a learner fewer features share: where they learn, and what they hand on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from medgraft.methods.fit_learner import fit_learner
from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.splits import Floats, Ints


class Reducing(TaskLearner):
    """Base of the steps that give a learner fewer features, chosen on the rows given to ``fit`` alone.

    Derive from it and implement ``_choose(lesson)``. Whoever calls ``fit`` with the training part of a split
    selects inside it: a row that is held out plays no part. What is handed on keeps the scale it came in, so
    that a method's own weighting of features stays.

    Parameters
    ----------
    estimator : scikit-learn estimator, optional
        Learns from what is left; default the `default_learner`.
    task, random_state
        See `TaskLearner`.

    Attributes
    ----------
    learner_ : estimator
        Fitted on what is left.
    """

    estimator: Any

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        again: Floats | None = None,
    ) -> Self:
        """Select, and fit the learner; `again` (m, v, p) holds samples that were measured v times."""
        self._again = again
        try:
            return super().fit(X, y, sample_weight, groups)
        finally:
            del self._again  # rows of patients

    def _fit(self, lesson: Lesson) -> None:
        again = self._again
        if again is not None:
            self._again = again = (np.asarray(again, dtype=np.float64) - self.mean_) / self.scale_
        self._choose(lesson)
        if again is not None:
            again = np.stack([self._reduce(sample) for sample in again])
        self.learner_ = fit_learner(
            self.estimator,
            self._reduce(lesson.Z),
            lesson.y,
            weight=lesson.weight,
            units=lesson.units,
            task=self.task,
            random_state=self.random_state,
            again=again,
        )

    @abstractmethod
    def _choose(self, lesson: Lesson) -> None:
        """Learn from standardised rows what to hand on."""

    @abstractmethod
    def _reduce(self, Z: Floats) -> Floats:
        """Return what the learner sees of standardised rows (n, p)."""

    def _output(self, Z: Floats) -> Floats:
        kept = self._reduce(Z)
        if self.task == "regression":
            return np.asarray(self.learner_.predict(kept), dtype=np.float64)
        return np.asarray(self.learner_.predict_proba(kept))


class Selecting(Reducing):
    """Base of the steps that keep some of the columns.

    Derive from it and implement ``_kept(lesson)``.

    Attributes
    ----------
    columns_ : array of int
        The columns kept, in their order. Where there is none the learner sees one column of zeros, and
        learns the shares of the classes or the mean.
    """

    columns_: Ints

    def _choose(self, lesson: Lesson) -> None:
        self.columns_ = np.sort(self._kept(lesson))

    @abstractmethod
    def _kept(self, lesson: Lesson) -> Ints:
        """Return the columns to keep."""

    def _reduce(self, Z: Floats) -> Floats:
        if not len(self.columns_):
            return np.zeros((len(Z), 1))
        return np.asarray(Z[:, self.columns_] * self.scale_[self.columns_])
