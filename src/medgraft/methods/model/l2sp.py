"""Start from the source's coefficients and let the target pull them away only as far as it can show."""

from __future__ import annotations

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.learner import LogisticLearner, RidgeLearner, best_penalty
from medgraft.methods.logistic import Problem, solve, tune
from medgraft.methods.notes import NO_SOURCE, SOURCE_KEPT
from medgraft.methods.registry import method
from medgraft.methods.ridge import RidgePath
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError

PULLS = np.append(10.0 ** np.arange(-2, 4.25, 0.5), np.inf)


@method(
    "l2sp",
    family="model",
    needs=("source", "target-labels"),
    cost="O(n p^2)",
    refs=(
        "Xuhong, Grandvalet and Davoine 2018, Proc. Mach. Learn. Res. 80:2825-2834",
        "Evgeniou and Pontil 2004, doi:10.1145/1014052.1014067",
    ),
    default=True,
)
class L2SP(TransferEstimator):
    r"""Fit the target's labelled patients with coefficients that are pulled towards the source's.

    Use it when the source's rule is nearly right for the target (another hospital, another device) and a few
    target labels can correct it. Not when the two rules have nothing in common: then the pull costs, though
    the inner choice usually finds a weak one.

    With the source's coefficients :math:`w_0` (ridge, or logistic / softmax regression with its own penalty)
    it minimises :math:`\sum_i w_i \ell(y_i, x_i^\top w) + \frac{\lambda}{2} \|w - w_0\|^2` over the target's
    labelled patients (for ridge :math:`\sum_i w_i (y_i - x_i^\top w)^2 + \lambda \|w - w_0\|^2`). The
    intercept is pulled too, so that :math:`\lambda = \infty` is the source's model. :math:`\lambda` is chosen
    on splits of the target's patients (for ridge by exact leave-one-patient-out), from 1e-2 to
    1e4 and infinity.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method is about coefficients of a linear model.

    Attributes
    ----------
    penalty_ : float
        The chosen lambda; ``inf`` means the source's model unchanged.
    source_coef_, source_intercept_ : arrays
        Where the pull leads, in encoded features.
    note_ : str
        Says so when there was no source, or no or too few target labels.

    Raises
    ------
    InputError
        An `estimator` was given.

    Notes
    -----
    Imputing and scaling come from all rows of both domains, so that a coefficient means the same in both. A
    class that the source lacks starts with no slope and the odds of half a patient. With fewer than two
    labelled target patients in some class, nothing can be chosen and the source's model is kept.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(220, 3))
    >>> y = X @ [1.0, 2.0, 0.0] + 0.1 * rng.normal(size=220)
    >>> site = ["a"] * 200 + ["b"] * 20
    >>> m = L2SP(task="regression").fit(X, y, domain=site, target="b")
    >>> bool(m.penalty_ > 0)
    True
    """

    own_learner = True  # whether `estimator` must be left alone

    def _fit(self, rows: Rows) -> None:
        if self.estimator is not None:
            raise InputError("l2sp moves the coefficients of its own linear model: leave estimator unset.")
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        source, target = rows.source & rows.labelled, rows.target & rows.labelled
        self.penalty_ = float("nan")
        if rows.k == 1 or not source.any():
            self.note_ = "" if source.any() else NO_SOURCE
            self._learn(Z, rows, np.ones(len(Z), dtype=bool))
            learner = self.learner_
            self.source_coef_ = np.zeros_like(learner.coef_)
            self.source_intercept_ = np.zeros_like(learner.intercept_)
            return
        if rows.k:
            self._classify(Z, rows, source, target)
        else:
            self._regress(Z, rows, source, target)

    def _regress(self, Z: Floats, rows: Rows, source: Mask, target: Mask) -> None:
        w = rows.weight
        learner = RidgeLearner().fit(Z[source], rows.y[source], w[source], groups=rows.units[source])
        self.source_coef_, self.source_intercept_ = learner.coef_.copy(), learner.intercept_
        self.penalty_ = np.inf
        if not target.any():
            self.note_ = SOURCE_KEPT
        elif len(np.unique(rows.units[target])) < 2:
            self.note_ = "One labelled target patient is too few to choose by: the source's model was kept."
        else:
            rest = rows.y[target] - learner.predict(Z[target])
            path = RidgePath.of(_with_one(Z[target]), rest, w[target], intercept=False)
            self.penalty_ = best_penalty(PULLS, path.left_out_error(PULLS, rows.units[target]))
            step = path.coef(self.penalty_)[0]
            learner.coef_, learner.intercept_ = (
                learner.coef_ + step[:-1],
                learner.intercept_ + float(step[-1]),
            )
        self.learner_ = learner

    def _classify(self, Z: Floats, rows: Rows, source: Mask, target: Mask) -> None:
        learner = LogisticLearner(random_state=self.random_state)
        learner.fit(Z[source], rows.y[source], rows.weight[source], groups=rows.units[source])
        _all_classes(learner, rows.k, rows.weight[source].sum())
        self.source_coef_, self.source_intercept_ = learner.coef_.copy(), learner.intercept_.copy()
        self.learner_, self.penalty_ = learner, np.inf
        y, w, units = rows.y[target], rows.weight[target], rows.units[target]
        if not target.any():
            self.note_ = SOURCE_KEPT
            return
        if _fewest_patients(y, units) < 2:
            self.note_ = "A class has fewer than two labelled target patients: the source's model was kept."
            return
        offset = Z[target] @ learner.coef_.T + learner.intercept_
        problem = Problem(Z[target], y, rows.k, offset, free_intercept=False)
        fold = inner_folds(number_again(units), k=5, seed=self.random_state, stratum=y, weight=w)
        self.penalty_, _, start = tune(problem, w, fold, PULLS, patience=len(PULLS))
        if np.isfinite(self.penalty_):
            step = solve(problem, w[None, :], self.penalty_, start, tol=1e-20)[0]
            learner.coef_, learner.intercept_ = learner.coef_ + step[:, :-1], learner.intercept_ + step[:, -1]


def _with_one(Z: Floats) -> Floats:
    return np.column_stack([Z, np.ones(len(Z))])


def _fewest_patients(y: Ints, units: Ints) -> int:
    """Patients of the rarest class among those that occur; 0 when all have one class."""
    classes = np.unique(y)
    return min(len(np.unique(units[y == c])) for c in classes) if len(classes) > 1 else 0


def _all_classes(learner: LogisticLearner, k: int, n: float) -> None:
    """Give a learner that saw only some of `k` classes a score for each of them."""
    seen = learner.classes_
    learner.classes_ = np.arange(k)
    if len(seen) == k:
        return
    p = learner.coef_.shape[1]
    if k == 2:  # the source has one class: half a patient of the other one
        odds = np.log((n + 0.5) / 0.5)
        learner.coef_ = np.zeros((1, p))
        learner.intercept_ = np.array([odds if seen[0] == 1 else -odds])
        return
    coef, intercept = np.zeros((k, p)), np.zeros(k)
    if len(seen) == 2:  # one score becomes two
        coef[seen[1]], intercept[seen[1]] = learner.coef_[0] / 2, learner.intercept_[0] / 2
        coef[seen[0]], intercept[seen[0]] = -coef[seen[1]], -intercept[seen[1]]
    elif len(seen) > 2:
        coef[seen], intercept[seen] = learner.coef_, learner.intercept_
    missing = np.setdiff1d(np.arange(k), seen)
    intercept[missing] = np.log(np.exp(intercept[seen]).sum()) + np.log(0.5 / n)
    learner.coef_, learner.intercept_ = coef, intercept
