"""The floor under every arm: predict the same for everyone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.base import TransferEstimator, classifies
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats


@method("majority", family="control", cost="O(n)", role="control", default=True)
class Majority(TransferEstimator):
    """Predict the class shares, or the mean, of the target's labelled patients for everyone.

    Use it as the floor: an arm that does not beat it has learnt nothing from the features. Never use it as a
    model.

    Parameters
    ----------
    task : str
        ``"classification"`` or ``"regression"``.
    estimator : None
        Not used; there for the common contract.
    random_state : int
        Not used; there for the common contract.

    Attributes
    ----------
    shares_ : array (K,)
        Weighted share of each class (classification).
    mean_ : float
        Weighted mean (regression).
    number_ : list of bool
        Which columns were numbers.
    note_ : str
        Says so when no target patient has a label and all labelled patients are counted instead.

    Examples
    --------
    >>> m = Majority().fit([[1.0], [2.0], [3.0]], ["ill", "ill", "well"])
    >>> m.predict_proba([[9.0]]).round(2).tolist(), m.predict([[9.0]]).tolist()
    ([[0.67, 0.33]], ['ill'])
    """

    def __sklearn_tags__(self) -> Any:
        return poor_score(super().__sklearn_tags__())

    def _counted(self, rows: Rows) -> Mask:
        """Rows whose labels are counted: the target's, or everybody's where none of these has one."""
        where = rows.labelled & rows.target
        if not where.any():
            where = rows.labelled
            self.note_ = "No target patient has a label: the labelled patients of all domains were counted."
        return where

    own_learner = True  # it learns nothing from features, so no learner has a place in it

    def _fit(self, rows: Rows) -> None:
        where = self._counted(rows)
        w, y = rows.weight[where], rows.y[where]
        if rows.k:
            self.shares_ = np.bincount(y, weights=w, minlength=rows.k) / w.sum()
        else:
            self.mean_ = float(w @ y / w.sum())
        self.number_ = list(rows.table.number)

    @available_if(classifies)
    def predict_proba(self, X: Any) -> Floats:
        """Class shares (n, K), the same in every row."""
        check_is_fitted(self)
        return np.tile(self.shares_, (len(self._read(X, self.number_)), 1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Most frequent class, or mean (n,)."""
        check_is_fitted(self)
        n = len(self._read(X, self.number_))
        if classifies(self):
            return np.asarray(self.classes_[np.full(n, int(self.shares_.argmax()))])
        return np.full(n, self.mean_)


def poor_score(tags: Any) -> Any:
    """Tell scikit-learn that a naive control is not expected to fit well."""
    for kind in (tags.classifier_tags, tags.regressor_tags):
        if kind is not None:
            kind.poor_score = True
    return tags
