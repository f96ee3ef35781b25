"""Selection of features by the lasso."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson
from medgraft.methods.model.lasso import L1Problem, held_out, solve_active
from medgraft.methods.prepare.reduce import Selecting
from medgraft.methods.prepare.registry import step
from medgraft.methods.splits import Ints


@step(
    "lasso-select",
    around="learner",
    does="select",
    refs=("Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x",),
)
class LassoSelect(Selecting):
    r"""Keep the features to which the lasso gives a coefficient, then learn from these.

    Use it before a learner that noise distracts (``svm``, ``prototypes``), or for a short list of features.
    Not to learn which features matter: of several that are alike it keeps one, by small differences. The
    default learner alone, which shrinks and drops nothing, is often the better predictor.

    On standardised rows it minimises :math:`\sum_i w_i \ell(y_i, B x_i + c) / \sum_i w_i + \lambda \|B\|_1`,
    :math:`\ell` being half the squared error or the log loss (softmax for several classes), and keeps a
    column of B that is not zero. :math:`\lambda` is the penalty of least loss on held-out patients, from the
    smallest at which all is zero down to a thousandth of it.

    Parameters
    ----------
    estimator, task, random_state
        See `Reducing`.
    folds : int
        Inner splits, which keep patients whole.

    Attributes
    ----------
    columns_ : array of int
        The columns kept; none where every penalty did worse than no feature; all where a class has too few
        patients to hold some out.
    penalty_ : float
        The chosen lambda; 0 where none could be chosen.
    learner_ : estimator
        Fitted on the columns kept.

    Notes
    -----
    Cost O(n p) a penalty, and some hundred steps on the columns in play, times the folds and K classes: on
    220 rows and 1,900 columns about a second for two classes, twelve for seven. With many thousands of
    columns put ``mrmr:features=1000`` before it. A learner that tunes itself afterwards does so on rows that
    took part in the selection, and trusts it somewhat too much; figures on held-out patients do not.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 30))
    >>> y = X[:, 4] - X[:, 7] + 0.5 * rng.normal(size=200)
    >>> kept = LassoSelect(task="regression").fit(X, y).columns_.tolist()
    >>> {4, 7} <= set(kept), len(kept) < 20
    (True, True)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        folds: int = 5,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.folds = folds
        self.task = task
        self.random_state = random_state

    def _kept(self, lesson: Lesson) -> Ints:
        self.penalty_ = 0.0
        fold = lesson.folds(max(self.folds, 2), self.random_state)
        if fold is None:
            return np.arange(lesson.Z.shape[1])
        problem = L1Problem(lesson.Z, lesson.y, lesson.k)
        path = held_out(problem, lesson.weight, fold, solve=solve_active)
        self.penalty_ = float(path.lams[path.best])
        beta = solve_active(problem, lesson.weight[None, :], self.penalty_, tol=1e-6)[0]
        return np.flatnonzero((beta[:, :-1] != 0).any(axis=0))
