"""What JDA and BDA share: components that bring the domains together within classes, by pseudo-labels."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from medgraft.methods.feature.kernel_space import (
    KernelMethod,
    KernelSpace,
    Problem,
    domain_gap,
    mean_difference,
)
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints


class ConditionalKernelMethod(KernelMethod):
    """Base of the methods that match the domains within classes too.

    Derive from it and implement ``_share(...)``. The first components are those of TCA. Then, until no
    pseudo-label changes: a logistic regression on the components labels the unlabelled target rows, and the
    components are found again with the gaps between the domains within each class.

    Parameters
    ----------
    max_rounds : int
        Rounds of pseudo-labels, at most.
    """

    _counts = ("n_components", "n_landmarks", "max_rounds")

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        n_components: int = 10,
        penalty: float = 1.0,
        width: float | None = None,
        n_landmarks: int = 300,
        max_rounds: int = 10,
    ) -> None:
        super().__init__(
            task=task,
            estimator=estimator,
            random_state=random_state,
            n_components=n_components,
            penalty=penalty,
            width=width,
            n_landmarks=n_landmarks,
        )
        self.max_rounds = max_rounds

    def _adapt(self, Z: Floats, rows: Rows, space: KernelSpace, problem: Problem) -> None:
        marginal = space.sums(Z, domain_gap(rows))
        self._keep(space, problem, marginal)
        self.rounds_ = 0
        before = None
        while self.rounds_ < self.max_rounds:
            label = pseudo_labels(self._embed(Z), rows)
            if before is not None and np.array_equal(label, before):
                break
            before = label
            within = space.sums(Z, class_gaps(rows, label))
            first, second = self._share(Z, rows, label)
            self._keep(space, problem, np.hstack([np.sqrt(first) * marginal, np.sqrt(second) * within]))
            self.rounds_ += 1

    @abstractmethod
    def _share(self, Z: Floats, rows: Rows, label: Ints) -> tuple[float, float]:
        """Return the factors of the marginal and of the class-wise squared gaps."""


def pseudo_labels(E: Floats, rows: Rows) -> Ints:
    """Class codes (n,) with those of unlabelled target rows predicted; unlabelled source rows keep -1."""
    known = rows.labelled
    learner = LogisticLearner(penalties=[1.0]).fit(E[known], rows.y[known], rows.weight[known])
    label = np.array(rows.y)
    asked = rows.target & ~known
    if asked.any():
        label[asked] = learner.predict(E[asked])
    return label


def class_gaps(rows: Rows, label: Ints) -> Floats:
    """Weights (n, K) whose sums are the differences of the two sides' means within each class."""
    gaps = []
    for c in range(rows.k):
        w = rows.weight * (label == c)
        gaps.append(mean_difference(w * rows.source, w * rows.target))
    return np.column_stack(gaps)
