"""What all ways of balancing classes share: distinct rows, the penalty, the way back to true shares."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from medgraft.methods.fit_learner import fit_learner
from medgraft.methods.learner import LogisticLearner, weighted
from medgraft.methods.splits import Floats, Ints, row_keys, units_of
from medgraft.methods.table import InputError


@dataclass(frozen=True)
class Sample:
    """Distinct training rows in an order of their own.

    Parameters
    ----------
    Z : array (n, p)
    y : array (n,) of int
        Class codes, numbered in the order in which the classes turn up.
    weight : array (n,)
        Summed over copies.
    units : array (n,) of int
        Patients.
    """

    Z: Floats
    y: Ints
    weight: Floats
    units: Ints

    @property
    def k(self) -> int:
        """Number of classes."""
        return int(self.y.max()) + 1

    @property
    def total(self) -> Floats:
        """Weight of each class (K,)."""
        return np.asarray(np.bincount(self.y, self.weight, minlength=self.k), dtype=np.float64)


class Balanced(ClassifierMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of the learners that see classes in other shares than the patients have them.

    Derive from it and implement ``_balance(sample, rng)``. Nothing but the rows given to ``fit`` is read, so
    that a row held out by whoever calls ``fit`` can neither be copied nor be a neighbour.

    Parameters
    ----------
    estimator : classifier with predict_proba, optional
        Learns from the balanced rows; default the logistic learner, whose penalty is chosen on real rows.
        Give one with fixed settings: made rows do not respect splits of its own.
    correct : bool
        Whether predicted probabilities are brought back to the shares of the classes in the given rows.
    random_state : int
        Seed.
    """

    def __init__(self, *, estimator: Any = None, correct: bool = True, random_state: int = 0) -> None:
        self.estimator = estimator
        self.correct = correct
        self.random_state = random_state

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on X (n, p) without NaN, y (n,) of any label type; `groups` (n,) are patients."""
        if self.estimator is not None and not hasattr(self.estimator, "predict_proba"):
            name = type(self.estimator).__name__
            raise InputError(f"Balancing needs a learner with probabilities, and {name} has none.")
        A, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        A, labels, w, names = weighted(A, labels, sample_weight, groups)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        keys = row_keys(A) if names is None else np.empty(0, dtype=np.uint64)
        sample, place = distinct(A, codes, w, units_of(keys, codes, names))
        made, even = sample, np.ones(sample.k)
        if sample.k > 1:
            made = self._balance(sample, np.random.default_rng(self.random_state))
            even = (made.total / made.weight.sum()) / (sample.total / sample.weight.sum())
        self.shift_ = np.ones(sample.k)
        if self.correct:
            self.shift_[place] = 1.0 / even
        self.learner_ = self._fit_learner(sample, made, even, place)
        return self

    @abstractmethod
    def _balance(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Return the rows to learn from."""

    def _fit_learner(self, sample: Sample, made: Sample, even: Floats, place: Ints) -> Any:
        if self.estimator is None:
            # Folds over made rows would hold out rows made from those that teach: tune on real ones.
            tuned = LogisticLearner(random_state=self.random_state)
            tuned.fit(sample.Z, place[sample.y], sample.weight * even[sample.y], groups=sample.units)
            estimator: Any = LogisticLearner(penalties=[tuned.penalty_], random_state=self.random_state)
        else:
            estimator = self.estimator
        return fit_learner(
            estimator,
            made.Z,
            place[made.y],
            weight=made.weight,
            units=made.units,
            random_state=self.random_state,
        )

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        check_is_fitted(self)
        p = np.asarray(self.learner_.predict_proba(validate_data(self, X, reset=False, dtype=np.float64)))
        return corrected(p, self.shift_)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable label (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


def corrected(p: Floats, shift: Floats) -> Floats:
    r"""Posterior under other shares of the classes: :math:`p_k s_k / \sum_j p_j s_j`.

    Parameters
    ----------
    p : array (n, K)
        Posterior where class k has share :math:`r_k`.
    shift : array (K,)
        :math:`s_k = \pi_k / r_k`, with :math:`\pi_k` the share wanted.

    Returns
    -------
    array (n, K)

    Notes
    -----
    Exact where the law of the features within a class is the same under both shares (Bayes' rule).

    Examples
    --------
    >>> corrected(np.array([[0.5, 0.5]]), np.array([0.9 / 0.5, 0.1 / 0.5])).tolist()
    [[0.9, 0.1]]
    """
    q = p * shift
    return np.asarray(q / q.sum(axis=1, keepdims=True))


def distinct(Z: Floats, codes: Ints, w: Floats, units: Ints) -> tuple[Sample, Ints]:
    """Merge copies and sort by content.

    Parameters
    ----------
    Z : array (n, p)
    codes : array (n,) of int
        Classes, or numbers of values.
    w, units : arrays (n,)
        Weights and patients.

    Returns
    -------
    Sample
    array (K,) of int
        The caller's code of each class.
    """
    # Rounded, because sums in another order may have moved the last digits.
    columns = [codes, row_keys(np.round(Z, 7)), units]
    order = np.lexsort(columns)
    new = np.zeros(len(order), dtype=bool)
    for c in columns:
        new |= np.r_[True, c[order][1:] != c[order][:-1]]
    first = order[new]
    weight = np.add.reduceat(w[order], np.flatnonzero(new))
    values, turn = np.unique(codes[first], return_index=True)
    place = values[np.argsort(turn)]
    y = np.argsort(place)[codes[first]]
    return Sample(Z[first], y, weight, units[first]), place
