"""Methods that fit other estimators inside their own training part: what they read and how they predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from medgraft.methods.base import TASK_NAMES, classifies, contract_tags
from medgraft.methods.inner_fits import Given, aligned
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError, Table


class Nesting(BaseEstimator):
    """Base of the methods that choose among, join or tune other estimators.

    Derive from it, read the rows of ``fit`` by ``_given`` and write ``_scores``. X may be a DataFrame of
    image paths: it is only cut by rows.
    """

    task: str

    def __sklearn_tags__(self) -> Any:
        return contract_tags(super().__sklearn_tags__(), classifies(self))

    def _given(self, X: Any, y: Any, target: str | None, **columns: Any) -> tuple[Given, Rows]:
        """Check what ``fit`` was given; return it to be cut by rows, and the rows told apart."""
        if self.task not in TASK_NAMES:
            raise InputError(f"task '{self.task}' does not exist: use one of {', '.join(TASK_NAMES)}.")
        table = Table.of(X)
        if not isinstance(X, pd.DataFrame):
            X = table.numbers if all(table.number) else np.asarray(X, dtype=object)
        validate_data(self, X, skip_check_array=True, reset=True)
        rows = Rows.of(table, y, regression=not classifies(self), target=target, **columns)
        if rows.classes is not None:
            self.classes_ = rows.classes
        kept = {k: np.asarray(v) for k, v in columns.items() if v is not None}
        return Given(X, np.asarray(y).reshape(-1), kept, target), rows

    def _read(self, X: Any) -> Any:
        check_is_fitted(self)
        if not isinstance(X, pd.DataFrame):
            table = Table.of(X)
            X = table.numbers if all(table.number) else np.asarray(X, dtype=object)
        validate_data(self, X, skip_check_array=True, reset=False)
        return X

    def _scores(self, X: Any) -> Floats:
        """Probabilities (n, K) in the order of `classes_`, or values (n,)."""
        raise NotImplementedError

    @available_if(classifies)
    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        return self._scores(self._read(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted label or value (n,)."""
        out = self._scores(self._read(X))
        return np.asarray(self.classes_[out.argmax(axis=1)]) if classifies(self) else out

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2 for regression."""
        measure = accuracy_score if classifies(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))


class Choosing(Nesting):
    """Base of the methods that end in one fitted estimator, ``best_``, which alone is saved."""

    best_: Any

    def _scores(self, X: Any) -> Floats:
        return aligned(self.best_, X, self.classes_) if classifies(self) else self.predict(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Label or value (n,) predicted by the choice."""
        X = self._read(X)
        return np.asarray(self.best_.predict(X))
