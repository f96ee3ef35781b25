"""Proportional odds: the learner for stages and grades."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medgraft.methods.learner import PENALTIES
from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.cumulative import probabilities, row_loss, solve
from medgraft.methods.learners.registry import learner
from medgraft.methods.logistic import Rotation
from medgraft.methods.splits import Floats

PATIENCE = 2  # penalties in a row that are no better


@learner(
    "ordinal",
    tasks=("ordinal",),
    refs=("McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x", "Burridge 1981"),
)
class OrdinalLearner(TaskLearner):
    r"""Cumulative logit model (proportional odds) of ordered levels, its penalty chosen on inner splits.

    Use it for stages and grades with few patients: one direction is learnt for all levels, where the softmax
    learns one for each. Not where a feature marks a level in the middle and neither end.

    On standardised rows it minimises :math:`\sum_i w_i \ell_i + \frac{\lambda}{2} \|b\|^2`, the negative
    log-likelihood of

    .. math:: P(y \le j \mid x) = \sigma(\theta_j - x^\top b), \qquad \theta_1 < \dots < \theta_{K-1},

    with free thresholds; :math:`\lambda` is the penalty with the smallest held-out log loss, patients whole.
    The levels are in the order of their codes: sorted labels.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`.
    penalties : sequence of float, optional
        Values of lambda to try; default 1e-2 ... 1e4, a factor of ten apart.
    folds : int
        Inner splits.

    Attributes
    ----------
    coef_ : array (p,)
        b, in standardised features: larger is a higher level.
    cuts_ : array (K - 1,)
        The thresholds.
    penalty_ : float
        The chosen lambda; 1 where there was too little to choose by.

    Notes
    -----
    Unlike with other learners the names of the classes matter, as far as they change the order. Cost: one
    decomposition O(n p min(n, p)), and L-BFGS steps O(n min(n, p)).

    Examples
    --------
    >>> x = np.linspace(-3, 3, 60)[:, None]
    >>> m = OrdinalLearner().fit(x, np.digitize(x[:, 0], [-1, 1]))
    >>> m.predict([[-2.0], [0.0], [2.0]]).tolist()
    [0, 1, 2]
    """

    regression = False
    rough = True  # three blobs in no order are not what it is made for

    def __init__(
        self,
        *,
        task: str = "classification",
        penalties: Sequence[float] | None = None,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.penalties = penalties
        self.folds = folds
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        y = np.asarray(self.place_, dtype=np.intp)[lesson.y]  # the lesson's own order of classes is no order
        rotated = Rotation.of(lesson.Z)
        r = rotated.Z.shape[1]
        self.penalty_, start = 1.0, None
        fold = lesson.folds(self.folds, self.random_state)
        if fold is not None:
            lams = sorted(PENALTIES if self.penalties is None else self.penalties, reverse=True)
            parts = np.unique(fold)
            held: list[Floats | None] = [None] * len(parts)
            best, since = np.inf, 0
            for lam in lams:
                loss = 0.0
                for i, f in enumerate(parts):
                    weight = np.where(fold == f, 0.0, lesson.weight)
                    held[i] = found = solve(rotated, y, weight, lesson.k, lam, held[i], tol=1e-5)
                    here = fold == f
                    eta = rotated.Z[here] @ found[:r]
                    loss += float(lesson.weight[here] @ row_loss(eta, found[r:], y[here]))
                if loss < best * (1.0 - 1e-9):
                    best, since, self.penalty_, start = loss, 0, float(lam), held[0]
                else:
                    since += 1
                if since == PATIENCE:
                    break
        found = solve(rotated, y, lesson.weight, lesson.k, self.penalty_, start)
        self.coef_, self.cuts_ = rotated.V @ found[:r], found[r:]

    def _output(self, Z: Floats) -> Floats:
        return probabilities(Z @ self.coef_, self.cuts_)[:, self.place_]
