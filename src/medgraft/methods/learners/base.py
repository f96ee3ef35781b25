"""What all learners but the linear ones share: checks, one scale, an order of rows of its own."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from medgraft.methods.base import TASK_NAMES, classifies, has_proba
from medgraft.methods.learner import can_tune, weighted
from medgraft.methods.prepare.balance import distinct
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again, row_keys, units_of
from medgraft.methods.table import InputError
from medgraft.methods.threads import one_thread


@dataclass(frozen=True)
class Lesson:
    """Distinct training rows, standardised, in an order of their own.

    Parameters
    ----------
    Z : array (n, p)
        Weighted mean 0 and variance 1 in each column that varies.
    y : array (n,)
        Class codes in an order that the classes' names do not touch, or standardised values.
    weight : array (n,)
        Summed over copies.
    units : array (n,) of int
        Patients, 0 to U-1.
    k : int
        Number of classes; 0 for values.
    """

    Z: Floats
    y: NDArray[Any]
    weight: Floats
    units: Ints
    k: int

    def take(self, where: NDArray[Any]) -> Lesson:
        """Some of the rows."""
        units = number_again(self.units[where])
        return Lesson(self.Z[where], self.y[where], self.weight[where], units, self.k)

    def folds(self, k: int, seed: int) -> Ints | None:
        """Folds (n,) that keep patients whole; None where a class or all rows would be lost by one."""
        stratum = self.y if self.k else None
        fold = inner_folds(self.units, k=k, seed=seed, stratum=stratum, weight=self.weight)
        if self.k:
            return fold if can_tune(self.y, fold, self.k) else None
        return fold if len(np.unique(fold)) > 1 else None

    def some(self, most: int, seed: int) -> Lesson:
        """At most about `most` rows, in whole patients drawn by `seed`; every class stays."""
        if len(self.y) <= most:
            return self
        fold = self.folds(-(-len(self.y) // most), seed)
        if fold is None:
            return self
        part = fold == 0
        lost = bool(self.k) and len(np.unique(self.y[part])) < self.k
        return self if lost else self.take(part)

    @property
    def targets(self) -> Floats:
        """One column a class, 1 in the row's own (n, K); or the values (n, 1)."""
        return np.eye(self.k)[self.y] if self.k else np.asarray(self.y, dtype=float)[:, None]


class TaskLearner(BaseEstimator, metaclass=ABCMeta):
    """Base of the learners: scikit-learn's contract for both tasks in one class.

    Derive from it and implement ``_fit(lesson)`` and ``_output(Z)``: class probabilities (n, K), or
    standardised values (n,), for standardised rows. Copies of a row are merged, rows are put in an order of
    their content and classes in an order of their rows: neither the order of the rows nor the names of the
    classes changes a fit, and an integer weight is a repeated row.

    Parameters
    ----------
    task : str
        ``"regression"``, or ``"classification"`` (also ``"binary"``, ``"multiclass"``).
    random_state : int
        Seed of the inner splits and of what is drawn.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted (classification only).
    place_ : array (K,) of int
        Place in `classes_` of each class of the lesson.
    mean_, scale_ : arrays (p,)
        What standardises the features.
    value_mean_, value_scale_ : float
        What standardises y (regression only).
    """

    task: str
    random_state: int
    regression = True  # whether it can predict values
    rough = False  # whether scikit-learn's easy sets are not what it is made for

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if classifies(self):
            tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags(poor_score=self.rough)
        else:
            tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags(poor_score=self.rough)
        return tags

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on X (n, p) without NaN, y (n,) of labels of any type or of values; `groups` are patients."""
        if self.task not in TASK_NAMES:
            raise InputError(f"task '{self.task}' does not exist: use one of {', '.join(TASK_NAMES)}.")
        if not classifies(self) and not self.regression:
            raise InputError(f"{type(self).__name__} tells classes apart and predicts no values.")
        A, labels = validate_data(self, X, y, dtype=np.float64, y_numeric=not classifies(self))
        if classifies(self):
            check_classification_targets(labels)
        A, labels, w, names = weighted(A, labels, sample_weight, groups)
        values, codes = np.unique(labels, return_inverse=True)
        keys = row_keys(A) if names is None else np.empty(0, dtype=np.uint64)
        # To the unit cube first: its ends do not depend on the order of a sum, nor on units of measurement.
        low, span = A.min(axis=0), np.ptp(A, axis=0)
        span[span == 0] = 1.0
        sample, place = distinct((A - low) / span, codes, w, units_of(keys, codes, names))
        total = sample.weight.sum()
        mean = sample.weight @ sample.Z / total
        spread = np.sqrt(sample.weight @ (sample.Z - mean) ** 2 / total)
        spread[spread < 1e-9] = 1.0
        Z = (sample.Z - mean) / spread
        self.mean_, self.scale_ = low + span * mean, span * spread
        if classifies(self):
            self.classes_, self.place_ = values, place
            if len(values) > 1:
                self._learn(Lesson(Z, sample.y, sample.weight, number_again(sample.units), len(values)))
            return self
        v = np.asarray(values, dtype=float)[place][sample.y]
        self.value_mean_ = float(sample.weight @ v / total)
        self.value_scale_ = float(np.sqrt(sample.weight @ (v - self.value_mean_) ** 2 / total)) or 1.0
        v = (v - self.value_mean_) / self.value_scale_
        self._learn(Lesson(Z, v, sample.weight, number_again(sample.units), 0))
        return self

    def _learn(self, lesson: Lesson) -> None:
        with one_thread():
            self._fit(lesson)

    @abstractmethod
    def _fit(self, lesson: Lesson) -> None:
        """Learn."""

    @abstractmethod
    def _output(self, Z: Floats) -> Floats:
        """Probabilities (n, K) in the lesson's order of classes, or standardised values (n,)."""

    def _standard(self, X: ArrayLike) -> Floats:
        check_is_fitted(self)
        A = validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray((A - self.mean_) / self.scale_)

    @available_if(has_proba)
    def predict_proba(self, X: ArrayLike) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        Z = self._standard(X)
        out = np.ones((len(Z), len(self.classes_)))
        if len(self.classes_) > 1:
            out[:, self.place_] = self._output(Z)
        return out

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable label, or value (n,)."""
        if classifies(self):
            best = self.predict_proba(X).argmax(axis=1)
            return np.asarray(self.classes_[best])
        Z = self._standard(X)
        return self.value_mean_ + self.value_scale_ * self._output(Z)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy, or R2 for regression."""
        measure = accuracy_score if classifies(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))
