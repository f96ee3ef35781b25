"""Random forest, kept as plain arrays."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError
from medgraft.methods.trees import Trees


@learner("random-forest", refs=("Breiman 2001, doi:10.1023/A:1010933404324",))
class ForestLearner(TaskLearner):
    """Random forest: the mean of trees grown on resampled rows, each cut among a few columns drawn anew.

    Use it on tables of mixed columns with steps and interactions, as it needs no tuning. Not where the
    relation is straight and patients are few: it draws lines as stairs. Not for values
    outside the range of training.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws the trees.
    trees : int
        More never hurt but for time.
    leaf : int
        Fewest distinct training rows in a leaf; 3, so that no leaf is one patient's label.

    Attributes
    ----------
    trees_ : Trees
        Plain arrays, which a file without code can hold.

    Raises
    ------
    InputError
        `trees` or `leaf` is less than 1.

    Notes
    -----
    Rows are resampled, not patients: the out-of-bag rows are not used. Cost O(trees p^0.5 n log n).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    >>> m = ForestLearner(trees=50).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> m.predict([[0.5, 0.5], [0.5, -0.5]]).tolist()
    [True, False]
    """

    made: tuple[Any, Any] = (RandomForestClassifier, RandomForestRegressor)

    def __init__(
        self, *, task: str = "classification", trees: int = 300, leaf: int = 3, random_state: int = 0
    ) -> None:
        self.task = task
        self.trees = trees
        self.leaf = leaf
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        for name in ("trees", "leaf"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}.")
        forest = self.made[0 if lesson.k else 1](
            self.trees, min_samples_leaf=self.leaf, max_features="sqrt", random_state=self.random_state
        )
        self.trees_ = Trees.of(forest.fit(lesson.Z, lesson.y, sample_weight=lesson.weight))

    def _output(self, Z: Floats) -> Floats:
        return self.trees_.predict(Z) if self.task == "regression" else self.trees_.predict_proba(Z)
