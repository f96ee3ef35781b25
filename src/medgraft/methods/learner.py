"""The learner inside every classical arm: linear, tuned with the same care in each of them.

A comparison of arms is fair only if none has the better learner. So transfer methods and controls alike
end in one of these two, and a pretrained network's features do too.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from medgraft.methods.logistic import Problem, probabilities, solve, tune
from medgraft.methods.ridge import RidgePath
from medgraft.methods.splits import Floats, Ints, inner_folds, row_keys, units_of

PENALTIES = 10.0 ** np.arange(4, -3, -1)
RIDGE_PENALTIES = 10.0 ** np.arange(-3, 5.5, 0.5)


def default_learner(task: str = "classification", random_state: int = 0) -> LogisticLearner | RidgeLearner:
    """Return the learner that every classical arm uses unless told otherwise.

    Parameters
    ----------
    task : str
        ``"regression"``, or ``"classification"`` / ``"binary"`` / ``"multiclass"``.
    random_state : int
        Seed of the inner splits.

    Returns
    -------
    LogisticLearner or RidgeLearner
        Unfitted; ``fit(X, y, sample_weight=None, groups=None)``.

    Examples
    --------
    >>> default_learner("regression")
    RidgeLearner()
    """
    return RidgeLearner() if task == "regression" else LogisticLearner(random_state=random_state)


class LogisticLearner(ClassifierMixin, BaseEstimator):
    r"""Logistic (two classes) or softmax regression with an L2 penalty chosen on patient-wise inner splits.

    Use it on standardised features, or on a network's features brought to one scale. Not for curved
    borders: give the arm another `estimator` then.

    It minimises :math:`\sum_i w_i \ell(y_i, B x_i + c) + \frac{\lambda}{2} \|B\|^2` with a free intercept;
    :math:`\lambda` is the penalty with the smallest held-out log loss.

    Parameters
    ----------
    penalties : array-like of float, optional
        Values of lambda to try; default 1e-2 ... 1e4, a factor of ten apart.
    folds : int, optional
        Inner splits; default 5, or 3 above 200 000 table cells.
    random_state : int
        Seed of the inner splits.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted.
    coef_ : array (1 or K, p)
        Coefficients: log-odds of the second class, or one row a class.
    intercept_ : array (1 or K,)
        Intercepts.
    penalty_ : float
        The chosen lambda; 1 where there was too little to choose by (a class with fewer than two patients).

    Notes
    -----
    Rows of one patient (`groups`), or copies of one row, are never torn apart. Rows of weight zero are as if
    absent; an integer weight means the same as repeating the row; neither the order of the rows nor the
    names of the classes changes the fit. A single class is predicted with certainty. Cost: a few Newton
    steps O(n p^2) per penalty for two classes and up to 80 features, else one decomposition
    O(n p min(n, p)) and L-BFGS steps O(n min(n, p) K).

    References
    ----------
    Hoerl and Kennard 1970 (doi:10.1080/00401706.1970.10488634) for the penalty; le Cessie and van
    Houwelingen 1992 (doi:10.2307/2347628) for logistic regression.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-2, 2, 40)[:, None]
    >>> m = LogisticLearner().fit(x, np.where(x[:, 0] > 0, "ill", "well"))
    >>> m.predict([[-1.0], [1.0]]).tolist()
    ['well', 'ill']
    """

    def __init__(
        self, *, penalties: ArrayLike | None = None, folds: int | None = None, random_state: int = 0
    ) -> None:
        self.penalties = penalties
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on X (n, p) without NaN, y (n,) of any label type; `groups` (n,) are patients."""
        A, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        A, labels, w, names = weighted(A, labels, sample_weight, groups)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        k, p = len(self.classes_), A.shape[1]
        self.penalty_ = 1.0
        self.coef_, self.intercept_ = np.zeros((1 if k < 3 else k, p)), np.zeros(1 if k < 3 else k)
        if k == 1:
            return self
        keys = row_keys(A) if names is None else np.empty(0, dtype=np.uint64)
        units = units_of(keys, codes, names)
        problem, start = Problem(A, codes, k), None
        folds = self.folds or (5 if A.size <= 200_000 else 3)
        fold = inner_folds(units, k=folds, seed=self.random_state, stratum=codes, weight=w)
        if can_tune(codes, fold, k):
            lams = np.asarray(PENALTIES if self.penalties is None else self.penalties, dtype=float)
            self.penalty_, _, start = tune(problem, w, fold, lams)
        beta = solve(problem, w[None, :], self.penalty_, start, tol=1e-20)[0]
        self.coef_, self.intercept_ = beta[:, :-1], beta[:, -1]
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Log-odds of the second class (n,), or scores (n, K)."""
        check_is_fitted(self)
        A = validate_data(self, X, reset=False, dtype=np.float64)
        eta = A @ self.coef_.T + self.intercept_
        return np.asarray(eta[:, 0] if eta.shape[1] == 1 else eta)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        eta = self.decision_function(X)
        if len(self.classes_) == 1:
            return np.ones((len(eta), 1))
        return probabilities(eta.reshape(len(eta), -1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable label (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


class RidgeLearner(RegressorMixin, BaseEstimator):
    r"""Ridge regression with the penalty chosen by exact leave-one-patient-out error.

    Use it on standardised features. Not for curved relations: give the arm another `estimator` then.

    It minimises :math:`\sum_i w_i (y_i - x_i^\top b - c)^2 + \lambda \|b\|^2` with a free intercept;
    :math:`\lambda` is the penalty with the smallest squared error when each patient is predicted by all the
    others, in closed form.

    Parameters
    ----------
    penalties : array-like of float, optional
        Values of lambda to try; default 1e-3 ... 1e5, half a decade apart.

    Attributes
    ----------
    coef_ : array (p,)
        Coefficients.
    intercept_ : float
        Intercept.
    penalty_ : float
        The chosen lambda; 1 with fewer than two patients.

    Notes
    -----
    Copies of one row count as one patient when `groups` is absent, so that an integer weight means the
    same as repeating the row. Cost: one decomposition O(n p min(n, p)).

    References
    ----------
    Hoerl and Kennard 1970 (doi:10.1080/00401706.1970.10488634); Golub, Heath and Wahba 1979
    (doi:10.1080/00401706.1979.10489751).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(20.0)[:, None]
    >>> float(RidgeLearner().fit(x, 3 * x[:, 0] + 1).predict([[2.0]]).round(2)[0])
    7.0
    """

    def __init__(self, *, penalties: ArrayLike | None = None) -> None:
        self.penalties = penalties

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on X (n, p) without NaN, y (n,) of float; `groups` (n,) are patients."""
        A, values = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        A, values, w, names = weighted(A, values.astype(float), sample_weight, groups)
        keys = row_keys(np.column_stack([A, values]))
        units = units_of(keys, groups=names)
        path = RidgePath.of(A, values, w)
        self.penalty_ = 1.0
        if units.max() > 0:
            lams = np.asarray(RIDGE_PENALTIES if self.penalties is None else self.penalties, dtype=float)
            self.penalty_ = best_penalty(lams, path.left_out_error(lams, units))
        self.coef_, self.intercept_ = path.coef(self.penalty_)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Predicted value (n,)."""
        check_is_fitted(self)
        A = validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray(A @ self.coef_ + self.intercept_)


def can_tune(codes: Ints, fold: Ints, k: int) -> bool:
    """Whether every class stays in training whichever fold is held out."""
    present = [np.bincount(codes[fold != f], minlength=k).min() > 0 for f in np.unique(fold)]
    return len(present) > 1 and all(present)


def best_penalty(lams: Floats, errors: Floats) -> float:
    """Return the penalty of least error; of equal ones (to rounding) the strongest."""
    near = errors <= errors.min() * (1.0 + 1e-9) + 1e-300
    return float(np.max(lams[near]))


def weighted(
    X: Floats, y: NDArray[Any], sample_weight: ArrayLike | None, groups: ArrayLike | None
) -> tuple[Floats, NDArray[Any], Floats, NDArray[Any] | None]:
    """Check the weights and drop the rows that weigh nothing."""
    w = np.asarray(_check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True))
    names = None if groups is None else np.asarray(groups)
    check_consistent_length(X, names)
    used = w > 0
    if used.all():
        return X, y, w, names
    return X[used], y[used], w[used], None if names is None else names[used]
