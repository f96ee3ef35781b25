"""What the TrAdaBoost methods share: the rows of one fit, the weak learner, the vote of the rounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.rows import Mask
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.trees import as_arrays

LEAST = 1e-12


@dataclass(frozen=True)
class Boosted:
    """Labelled rows of a fit in an order of their own.

    Parameters
    ----------
    Z : array (n, p)
        Encoded features.
    y : array (n,)
        Codes of classes, numbered by content, or values.
    weight : array (n,)
        Weights given by the caller.
    target : array (n,) of bool
    units : array (n,) of int
        Patients.
    learner : estimator
        Unfitted weak learner.
    """

    Z: Floats
    y: NDArray[Any]
    weight: Floats
    target: Mask
    units: Ints
    learner: Any

    @classmethod
    def of(cls, sited: Sited, Z: Floats, learner: Any, seed: int) -> Self:
        """Take the labelled rows; without a `learner`, a tree of four levels."""
        rows, where = sited.rows, sited.rows.labelled
        if learner is None:
            made = DecisionTreeClassifier if rows.k else DecisionTreeRegressor
            learner = made(max_depth=4, min_weight_fraction_leaf=0.01, random_state=seed)
        return cls(
            Z[where], rows.y[where], rows.weight[where], rows.target[where], rows.units[where], learner
        )

    def take(self, rows: Mask) -> Self:
        """The same fit on some rows only."""
        return replace(
            self,
            Z=self.Z[rows],
            y=self.y[rows],
            weight=self.weight[rows],
            target=self.target[rows],
            units=self.units[rows],
        )

    def source_factor(self, rounds: int) -> float:
        r""":math:`\beta = 1 / (1 + \sqrt{2 \ln n / N})` for n source rows and N rounds."""
        n = max(float(self.weight[~self.target].sum()), 1.0)
        return 1.0 / (1.0 + float(np.sqrt(2.0 * np.log(n) / rounds)))

    def fit(self, weight: Floats) -> Any:
        """Fit the weak learner; rows that no longer weigh anything are left out."""
        w = weight / weight.max()
        used = w > LEAST
        return as_arrays(clone(self.learner).fit(self.Z[used], self.y[used], sample_weight=w[used]))


def chance(learner: Any, Z: Floats) -> Floats:
    """Probability (n,) of class 1 by a learner that may have seen one class only."""
    if 1 not in learner.classes_:
        return np.zeros(len(Z))
    return np.asarray(learner.predict_proba(Z)[:, list(learner.classes_).index(1)])


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Median (n,) over the rounds of values (n, rounds) with weights (rounds,): the smallest at half the sum.

    Examples
    --------
    >>> weighted_median(np.array([[3.0, 1.0, 2.0]]), np.array([1.0, 1.0, 3.0])).tolist()
    [2.0]
    """
    order = np.argsort(values, axis=1, kind="stable")
    sums = np.cumsum(weights[order], axis=1)
    at = (sums >= 0.5 * sums[:, -1:] * (1 - 1e-12)).argmax(axis=1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, order[rows, at]])


class Vote(BaseEstimator):
    """Rounds of a boosting as one fitted learner: a weighted mean of chances, or a weighted median.

    Parameters
    ----------
    learners : list of estimator
        Fitted.
    weights : array (rounds,)
        Weight of each; all equal where they sum to zero.
    classes : array (2,) of int, optional
        The caller's codes of the learners' classes 0 and 1; None for regression.
    """

    def __init__(self, learners: list[Any], weights: Floats, classes: Ints | None = None) -> None:
        self.learners = learners
        self.weights = weights if weights.sum() > 0 else np.ones_like(weights)
        self.classes = classes

    @property
    def classes_(self) -> Ints:
        """Codes, sorted."""
        assert self.classes is not None
        return np.asarray(np.sort(self.classes))

    def predict_proba(self, Z: Floats) -> Floats:
        """Chances (n, 2) of the caller's codes, sorted."""
        assert self.classes is not None
        each = np.column_stack([chance(h, Z) for h in self.learners])
        p = np.clip(each @ self.weights / self.weights.sum(), 0.0, 1.0)
        return np.column_stack([1.0 - p, p])[:, np.argsort(self.classes)]

    def predict(self, Z: Floats) -> NDArray[Any]:
        """Code of the likelier class, or weighted median (n,)."""
        if self.classes is not None:
            return np.asarray(self.classes_[self.predict_proba(Z).argmax(axis=1)])
        return weighted_median(np.column_stack([h.predict(Z) for h in self.learners]), self.weights)
