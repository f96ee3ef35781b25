"""Stacking: a penalised learner on what the members predict for rows that they did not learn from."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.base import classifies
from medgraft.methods.ensemble.base import Ensemble, HeldOut
from medgraft.methods.learner import best_penalty, can_tune
from medgraft.methods.logistic import Problem, probabilities, solve, tune
from medgraft.methods.registry import method
from medgraft.methods.ridge import RidgePath
from medgraft.methods.splits import Floats, inner_folds, number_again

SURE = 1e-3  # probabilities are taken to be no nearer to 0 and 1: a member that is sure may be wrong
PENALTIES = np.r_[np.inf, 10.0 ** np.arange(4, -3, -1)]
RIDGE_PENALTIES = 10.0 ** np.arange(-3, 9.5, 0.5)


@method(
    "stacking",
    family="ensemble",
    cost="(inner folds + 1) fits of each member",
    refs=(
        "Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1",
        "Breiman 1996, doi:10.1007/BF00117832",
        "Ting and Witten 1999, doi:10.1613/jair.594",
    ),
)
class Stacking(Ensemble):
    r"""Stacking: weights of the arms, learnt on patients that none of them learnt from.

    Use it to join several arms that are good in different ways, also arms that read different parts of the
    data (late fusion). Not with a dozen labels: `soft-voting` then does as well, and costs a quarter.

    Target patients, whole, are held out in turn (source patients where no target patient has a label), each
    member is fitted without them and predicts them. With these predictions :math:`z_m` (log-odds, or for
    K > 2 classes centred log-probabilities, or values) it minimises

    .. math:: \sum_i w_i \ell\Big(y_i, \bar z_i + \sum_m b_m z_{im} + c\Big) + \frac{\lambda}{2}
        \big(\|b\|^2 + c^2\big),

    where :math:`\bar z` is the mean over members, :math:`\ell` the log loss or the squared error, and
    :math:`\lambda` is chosen on inner splits of the same rows. A strong penalty thus ends in equal weights,
    not in none. The members are then fitted again on all training rows.

    Parameters
    ----------
    candidates : dict of name to estimator, optional
        What the members are taken from; default the transfer methods registered as defaults that read
        arrays. In a trial they are its other transfer arms.
    members : str
        Names or patterns of the members, "|" between them (``"coral|trans-*"``); empty: all.
    inner_folds : int
        Folds in which predictions of held-out rows are made; 1: a quarter of the patients is held out once.
    time : str, optional
        Column of times of a target that is to be forecast, as in `guarded`.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int
        Seed of the inner splits.

    Attributes
    ----------
    coef_ : array (1 or K, M) or (K, M K)
        What is added to the equal weights 1/M: one row for two classes and for values.
    intercept_ : array (1,) or (K,)
        c.
    penalty_ : float
        The chosen lambda; infinite: equal weights.
    spread_ : float
        What values were measured in; 1 for classes.
    members_ : dict of name to estimator
        The members, each fitted on all training rows.
    report_ : dict
        Members, weights (for K > 2 classes the mean over classes), and who was left out.

    Notes
    -----
    A member that remembers its training rows gains nothing by it: no row counts that a member learnt from.
    The members of the last fit have seen more rows than those that were weighed. Memory: all members.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> from medgraft.methods.controls.majority import Majority
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 1))
    >>> arms = {"pooled": Pooled(task="regression"), "majority": Majority(task="regression")}
    >>> m = Stacking(arms, task="regression").fit(x, x[:, 0] + 0.1 * rng.normal(size=200))
    >>> m.report_["weights"]["pooled"] > 0.9
    True
    """

    def __init__(
        self,
        candidates: dict[str, Any] | None = None,
        *,
        members: str = "",
        inner_folds: int = 3,
        time: str | None = None,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.candidates = candidates
        self.members = members
        self.inner_folds = inner_folds
        self.time = time
        self.task = task
        self.random_state = random_state

    def _learn(self, held: HeldOut | None, m: int) -> Floats:
        k = len(self.classes_) if classifies(self) else 0
        rows, columns = (k, m * k) if k > 2 else (1, m)
        self.coef_, self.intercept_ = np.zeros((rows, columns)), np.zeros(rows)
        self.penalty_, self.spread_ = np.inf, 1.0
        if held is not None and m > 1 and k != 1:
            beta = self._logistic(held) if k else self._ridge(held)
            self.coef_, self.intercept_ = beta[:, :-1], beta[:, -1]
        if k <= 2:
            return 1.0 / m + self.coef_[0]
        own = self.coef_.reshape(k, m, k)[np.arange(k), :, np.arange(k)]  # of a class for itself
        return np.asarray(1.0 / m + own.mean(axis=0))

    def _logistic(self, held: HeldOut) -> Floats:
        Z, offset = evidence(held.P)
        problem = Problem(Z, held.y, held.k, offset, free_intercept=False)
        fold = inner_folds(
            number_again(held.units), k=5, seed=self.random_state, stratum=held.y, weight=held.weight
        )
        start = None
        if can_tune(held.y, fold, held.k):
            self.penalty_, _, start = tune(problem, held.weight, fold, PENALTIES)
        if not np.isfinite(self.penalty_):
            return np.zeros((problem.m, Z.shape[1] + 1))
        return np.asarray(solve(problem, held.weight[None, :], self.penalty_, start, tol=1e-20)[0])

    def _ridge(self, held: HeldOut) -> Floats:
        centre = np.average(held.y, weights=held.weight)
        self.spread_ = float(np.sqrt(np.average((held.y - centre) ** 2, weights=held.weight))) or 1.0
        A = np.column_stack([(held.P - centre) / self.spread_, np.ones(len(held.y))])
        rest = (held.y - held.P.mean(axis=1)) / self.spread_
        path = RidgePath.of(A, rest, held.weight, intercept=False)
        errors = path.left_out_error(RIDGE_PENALTIES, number_again(held.units))
        self.penalty_ = best_penalty(RIDGE_PENALTIES, errors)
        b = path.coef(self.penalty_)[0]
        # Back to the values' own units: the deviations from 1/M act on values, not on standard scores.
        return np.r_[b[:-1], self.spread_ * b[-1] - centre * b[:-1].sum()][None, :]

    def _join(self, P: Floats) -> Floats:
        if P.ndim == 2:
            return np.asarray(P.mean(axis=1) + P @ self.coef_[0] + self.intercept_[0])
        if P.shape[2] == 1:
            return np.ones((len(P), 1))
        Z, offset = evidence(P)
        return probabilities(offset + Z @ self.coef_.T + self.intercept_)


def evidence(P: Floats) -> tuple[Floats, Floats]:
    """Log-odds (n, M) of two classes or centred log-probabilities (n, M K), and their mean over members."""
    L = np.log(np.clip(P, SURE, 1.0 - SURE))
    if P.shape[2] == 2:
        Z = L[:, :, 1] - L[:, :, 0]
        return Z, Z.mean(axis=1, keepdims=True)
    L = L - L.mean(axis=2, keepdims=True)
    return L.reshape(len(L), -1), L.mean(axis=1)
