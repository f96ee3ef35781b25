"""The contract of every method that reads arrays: one class, both tasks, scikit-learn's rules."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from medgraft.methods.encode import TableEncoder
from medgraft.methods.fit_learner import fit_learner
from medgraft.methods.registry import TASKS
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError, Table
from medgraft.methods.threads import one_thread

TASK_NAMES = ("classification", "binary", "multiclass", "regression")


def classifies(estimator: Any) -> bool:
    """Whether a method's task is about classes; else it is about values."""
    return bool(estimator.task != "regression")


def has_proba(estimator: Any) -> bool:
    """For ``available_if``: whether a method gives probabilities; an AttributeError says why it does not."""
    if not classifies(estimator):
        raise AttributeError("predict_proba is there for classification only (task='classification').")
    inner = getattr(estimator, "estimator", None)
    if inner is not None and not hasattr(inner, "predict_proba"):
        raise AttributeError(f"the given estimator {type(inner).__name__} has no predict_proba")
    return True


def contract_tags(tags: Any, classes: bool, multiclass: bool = True) -> Any:
    """Tell scikit-learn what the contract promises: NaN and words allowed, labels needed, which task."""
    tags.target_tags.required = True
    tags.input_tags.allow_nan = True
    tags.input_tags.string = True
    tags.input_tags.categorical = True
    if classes:
        tags.estimator_type, tags.classifier_tags = "classifier", ClassifierTags(multi_class=multiclass)
    else:
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
    return tags


def refuse_task(model: Any, k: int) -> None:
    """Raise an error if a method does not do what its task's name and K classes (0: values) ask for.

    Parameters
    ----------
    model : estimator
        Its ``supported_tasks`` are set by the registry's decorator.
    k : int

    Raises
    ------
    InputError
    """
    many = model.task == "multiclass" or k > 2
    kind = "regression" if not classifies(model) else "multiclass" if many else "binary"
    if kind in model.supported_tasks:
        return
    why = f"It cannot do {kind}"
    if kind == "multiclass" and "binary" in model.supported_tasks:
        why = "Only binary classification is supported"  # the words that scikit-learn's checks look for
    raise InputError(f"{why}: {type(model).__name__} does {', '.join(model.supported_tasks)}.")


class TransferEstimator(BaseEstimator, metaclass=ABCMeta):
    """Base of the methods that read arrays: checks, encodes, hands rows to the method, predicts.

    Derive from it to write a method: implement ``_fit(rows)``, which sets ``encoder_`` and ``learner_`` (most
    do it by ``self._learn``). Not for networks that read images.

    Parameters
    ----------
    task : str
        ``"regression"``, or ``"classification"`` (also ``"binary"``, ``"multiclass"``).
    estimator : scikit-learn estimator, optional
        The learner inside; default `default_learner`. It sees class codes 0 to K-1 and encoded features.
    random_state : int
        Seed of the inner splits.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted (classification only). A class that the learner never saw gets probability zero.
    n_features_in_ : int
        Number of columns of X.
    encoder_ : TableEncoder
        How X becomes numbers.
    learner_ : estimator
        The fitted learner; a tree or forest of scikit-learn as `Trees`.
    note_ : str
        A sentence where the method fell back to something simpler, else empty.
    """

    supported_tasks: tuple[str, ...] = TASKS  # the registry's decorator sets the method's own

    def __init__(self, *, task: str = "classification", estimator: Any = None, random_state: int = 0) -> None:
        self.task = task
        self.estimator = estimator
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        return contract_tags(
            super().__sklearn_tags__(), classifies(self), "multiclass" in self.supported_tasks
        )

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Fit on the rows of all domains.

        Parameters
        ----------
        X : array or DataFrame (n, p)
            Numbers and words, NaN allowed.
        y : array (n,)
            Labels of any type, or values. Never read where `labelled` is false.
        domain : array (n,), optional
            Name of the domain of each row; None: every row is of the target.
        target : str, optional
            Name of the target domain; needed when there is more than one domain.
        labelled : array (n,) of bool, optional
            Rows whose label may be used; default all.
        sample_weight : array (n,), optional
            Weights, not negative; a row of weight zero is as if absent.
        groups : array (n,), optional
            Patient of each row; inner splits keep a patient whole.

        Returns
        -------
        self

        Raises
        ------
        InputError
            A task that the method does not do, shapes that do not match, no usable label, several domains
            without a target.
        """
        if self.task not in TASK_NAMES:
            raise InputError(f"task '{self.task}' does not exist: use one of {', '.join(TASK_NAMES)}.")
        table = Table.of(X)
        plain = not isinstance(X, pd.DataFrame) and all(table.number)
        validate_data(self, table.numbers if plain else X, skip_check_array=True, reset=True)
        rows = Rows.of(
            table,
            y,
            regression=not classifies(self),
            domain=domain,
            target=target,
            labelled=labelled,
            sample_weight=sample_weight,
            groups=groups,
        )
        refuse_task(self, rows.k)
        if rows.classes is not None:
            self.classes_ = rows.classes
        self.note_ = ""
        with one_thread():
            self._fit(rows)
        return self

    @abstractmethod
    def _fit(self, rows: Rows) -> None:
        """Move the knowledge: set ``encoder_`` and ``learner_``."""

    def _learn(self, Z: Floats, rows: Rows, where: Mask, weight: Floats | None = None) -> None:
        """Fit the learner on the labelled rows among `where`."""
        where = where & rows.labelled
        self.learner_ = fit_learner(
            self.estimator,
            Z[where],
            rows.y[where],
            weight=(rows.weight if weight is None else weight)[where],
            units=rows.units[where],
            task=self.task,
            random_state=self.random_state,
        )

    def _encode(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self.encoder_.transform(self._read(X, self.encoder_.number_))

    def _read(self, X: Any, number: list[bool] | None) -> Table:
        """Check and read the rows to predict."""
        if isinstance(X, pd.DataFrame):  # names first: a column that moved is the better explanation
            validate_data(self, X, skip_check_array=True, reset=False)
            return Table.of(X, number)
        table = Table.of(X, number)
        validate_data(self, table.numbers if all(table.number) else X, skip_check_array=True, reset=False)
        return table

    def _full(self, proba: Floats, codes: NDArray[Any]) -> Floats:
        """Probabilities of the learner's classes, laid out over all classes."""
        out = np.zeros((len(proba), len(self.classes_)))
        out[:, np.asarray(codes, dtype=np.intp)] = proba
        return out

    @available_if(has_proba)
    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        Z = self._encode(X)
        return self._full(self.learner_.predict_proba(Z), self.learner_.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted label or value (n,)."""
        Z = self._encode(X)
        out = np.asarray(self.learner_.predict(Z))
        return np.asarray(self.classes_[out.astype(np.intp)]) if classifies(self) else out

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2 for regression."""
        measure = accuracy_score if classifies(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))


__all__ = ["InputError", "Mask", "Rows", "TableEncoder", "TransferEstimator"]
