"""Several labels at once for methods that know one: a fit for each label."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


def event(model: Any, X: Any) -> Floats:
    """Probability (n,) that a label is there, of a model of 0 and 1; a value that it never saw has none."""
    p = np.asarray(model.predict_proba(X), dtype=float)
    return p[:, np.asarray(model.classes_) == 1].sum(axis=1)


def known_labels(y: NDArray[Any], known: NDArray[np.bool_], number: int) -> NDArray[np.intp]:
    """Return one label as 0 and 1; where it is not known, some value that stands among the known ones.

    Raises
    ------
    InputError
        It is known nowhere.
    """
    if not known.any():
        raise InputError(f"Label {number + 1} is known in no row that may teach: leave it out.")
    return np.where(known, np.nan_to_num(y), y[known][0]).astype(np.intp)


def label_table(y: Any) -> Floats:
    """Return labels as (n, L) of 0 and 1, NaN where unknown.

    Raises
    ------
    InputError
        They are something else.
    """
    Y = np.asarray(y, dtype=float)
    if Y.ndim != 2 or not np.isin(Y[~np.isnan(Y)], (0.0, 1.0)).all():
        raise InputError("Several labels are a table of 0 and 1, one column a label (NaN: unknown).")
    return Y


class MultiLabel(BaseEstimator):
    """Fit a method to each of several labels, with the rows in which that label is known.

    Use it for findings that may be there together. Not for classes of which each row has one; nor where one
    network is to serve all labels: `finetune` has one head for that.

    This is binary relevance: labels are learnt apart, so that what one says of another is not used.

    Parameters
    ----------
    estimator : estimator
        A method with ``fit(X, y, *, domain, target, labelled, sample_weight, groups)`` and
        ``predict_proba``.

    Attributes
    ----------
    models_ : list of estimators
        The fitted method of each label.
    note_ : str
        What a method fell back to, if one did.

    Raises
    ------
    InputError
        y is not (n, L) of 0 and 1 (NaN: unknown), or a label is known in no row.

    Notes
    -----
    Costs L fits.

    References
    ----------
    Zhang and Zhou 2014, doi:10.1109/TKDE.2013.39.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> X = [[0.0, 0.1], [1.0, 0.9], [0.1, 1.0], [0.9, 0.0]]
    >>> m = MultiLabel(Pooled()).fit(X, [[0, 0], [1, 1], [0, 1], [1, 0]])
    >>> m.predict([[1.0, 0.0], [0.0, 1.0]]).tolist()
    [[1, 0], [0, 1]]
    """

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: Any, *, labelled: Any = None, **rows: Any) -> Self:
        """Fit every label; keywords as in `TransferEstimator.fit`, y (n, L)."""
        Y = label_table(y)
        may = np.ones(len(Y), dtype=bool) if labelled is None else np.asarray(labelled, dtype=bool)
        self.models_ = []
        for k, column in enumerate(Y.T):
            known = may & ~np.isnan(column)
            labels = known_labels(column, known, k)
            self.models_.append(clone(self.estimator).fit(X, labels, labelled=known, **rows))
        return self

    @property
    def note_(self) -> str:
        """What a method fell back to, if one did; each said once."""
        return " ".join(dict.fromkeys(n for m in self.models_ if (n := getattr(m, "note_", ""))))

    def predict_proba(self, X: Any) -> Floats:
        """Probability (n, L) that each label is there."""
        check_is_fitted(self, "models_")
        return np.column_stack([event(model, X) for model in self.models_])

    def predict(self, X: Any) -> NDArray[np.intp]:
        """Whether each label is there (n, L): 1 at a probability of one half or more."""
        return (self.predict_proba(X) >= 0.5).astype(np.intp)
