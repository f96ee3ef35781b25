"""Gradient boosting of small trees, kept as plain arrays."""

from __future__ import annotations

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.registry import learner
from medgraft.methods.model.booster import Booster, Stages
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


@learner(
    "gradient-boosting",
    refs=(
        "Friedman 2001, doi:10.1214/aos/1013203451",
        "Chen and Guestrin 2016, doi:10.1145/2939672.2939785 (XGBoost, of the same family)",
    ),
)
class BoostingLearner(TaskLearner):
    r"""Gradient boosting: small trees one after another, each on what the ones before left over.

    Use it on tables with steps and interactions and some hundreds of patients. Not on a few dozen, which it
    learns by heart: it stops after `rounds` and not before.

    :math:`F_r = F_{r-1} + \nu h_r` from the log shares of the classes (or the mean), with :math:`h_r` a tree
    on the negative gradient of the log loss (or of half the squared error) at :math:`F_{r-1}`, whose leaves
    take Newton's step :math:`\frac{K - 1}{K} \sum_i w_i g_i / \sum_i w_i p_i (1 - p_i)`. XGBoost differs: its
    trees are cut by second derivatives, and its leaves are shrunk by a penalty.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also settles ties between cuts.
    rounds : int
        Trees.
    rate : float
        :math:`\nu`, in (0, 1].
    depth : int
        Levels of a tree.
    leaf : int
        Fewest distinct training rows in a leaf; 3, so that no leaf is one patient's label.

    Attributes
    ----------
    booster_ : Booster
        Plain arrays, which a file without code can hold.

    Raises
    ------
    InputError
        `rounds`, `depth` or `leaf` is less than 1, or `rate` outside (0, 1].

    Notes
    -----
    Cost O(rounds p n log n).

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    >>> m = BoostingLearner(rounds=50).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> m.predict([[0.5, 0.5], [0.5, -0.5]]).tolist()
    [True, False]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        rounds: int = 100,
        rate: float = 0.1,
        depth: int = 3,
        leaf: int = 3,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.rounds = rounds
        self.rate = rate
        self.depth = depth
        self.leaf = leaf
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        for name in ("rounds", "depth", "leaf"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}.")
        if not 0 < self.rate <= 1:
            raise InputError(f"rate must be above 0 and at most 1, not {self.rate!r}.")
        aim, w = lesson.targets, lesson.weight
        stages = Stages(lesson.Z, aim, w, self.depth, self.leaf, self.rate, self.random_state)
        mean = w @ aim / w.sum()
        start = np.log(mean) if lesson.k else mean
        grown = stages.run(np.repeat(start[None], len(aim), axis=0), self.rounds)
        classes = np.arange(lesson.k) if lesson.k else None
        self.booster_ = Booster(start, None, classes).with_trees(grown)

    def _output(self, Z: Floats) -> Floats:
        b = self.booster_
        return b.predict(Z) if self.task == "regression" else b.predict_proba(Z)
