"""An arm made of two: a featuriser that knows no labels, and a method that reads what it makes."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.splits import Floats


def _has_proba(pipeline: Any) -> bool:
    return hasattr(pipeline.estimator, "predict_proba")


class Pipeline(BaseEstimator):
    """Chain a featuriser and a method under the methods' own ``fit`` signature.

    Use it to run any classical method on a frozen network's features. Not for a featuriser that must be
    fitted on the patients at hand: it would have to be inside the method, on the training part.

    Parameters
    ----------
    featuriser : object or None
        Has ``transform(X) -> array (n, d)`` and needs no fitting; None passes X on.
    estimator : estimator
        A method with ``fit(X, y, *, domain, target, labelled, sample_weight, groups)``.

    Attributes
    ----------
    estimator_ : estimator
        The fitted method.
    classes_ : array (K,)
        Its labels (classification only).

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> m = Pipeline(None, Pooled()).fit([[0.0], [1.0], [0.1], [0.9]], ["no", "yes", "no", "yes"])
    >>> m.predict([[0.2], [0.8]]).tolist()
    ['no', 'yes']
    """

    def __init__(self, featuriser: Any = None, estimator: Any = None) -> None:
        self.featuriser = featuriser
        self.estimator = estimator

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.estimator is not None:
            inner = get_tags(self.estimator)
            tags.estimator_type = inner.estimator_type
            tags.target_tags = inner.target_tags
            tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
            tags.input_tags = inner.input_tags
        return tags

    def _features(self, X: Any) -> Any:
        return X if self.featuriser is None else self.featuriser.transform(X)

    def fit(self, X: Any, y: Any, **rows: Any) -> Self:
        """Make features of X and fit the method; keywords as in `TransferEstimator.fit`."""
        self.estimator_ = clone(self.estimator).fit(self._features(X), y, **rows)
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels, sorted."""
        return self._fitted().classes_

    @property
    def n_features_in_(self) -> int:
        """Number of features that the method reads."""
        return self._fitted().n_features_in_

    @property
    def note_(self) -> str:
        """What the method fell back to, if it did."""
        return getattr(self._fitted(), "note_", "")

    def _fitted(self) -> Any:
        if "estimator_" not in vars(self):
            raise AttributeError("this Pipeline is not fitted yet")
        return self.estimator_

    @available_if(_has_proba)
    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(self._features(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted label or value (n,)."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(self._features(X))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2 for regression."""
        check_is_fitted(self, "estimator_")
        return float(self.estimator_.score(self._features(X), y, sample_weight=sample_weight))
