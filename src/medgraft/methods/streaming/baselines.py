"""What a personal streaming model is to be compared with, in the same interface."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.methods.splits import Floats, Ints
from medgraft.methods.streaming.base import StreamingModel
from medgraft.methods.streaming.projection import Projection


class Frozen:
    """Population's model that never learns from the person: the control of personal models.

    Use it to see what learning from the person is worth. Not as a personal model. The other control, a
    personal model from scratch, is ``StreamingGMM().blank(unlabelled_windows)``.

    Parameters
    ----------
    model : StreamingModel
        The population's.

    Attributes
    ----------
    classes_ : array (C,)
        The population's labels.

    Notes
    -----
    Cost as the model's. Its state is the model's own, and is read by
    ``Frozen(StreamingGMM.from_state(state))``.

    Examples
    --------
    >>> from medgraft.methods.streaming.kmeans import StreamingKMeans
    >>> X = np.array([[0.0], [1.0], [9.0], [10.0]] * 3)
    >>> population = StreamingKMeans().fit(X, X[:, 0] > 5, groups=np.repeat([1, 2, 3], 4))
    >>> Frozen(population).partial_fit([[2.0]], [True]).predict([[2.0]]).tolist()
    [False]
    """

    def __init__(self, model: StreamingModel) -> None:
        self._model = type(model).from_state(model.state())  # a copy: the caller's may go on learning
        self.classes_ = self._model.classes_

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, labelled: ArrayLike | None = None
    ) -> Self:
        """Learn nothing."""
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, C) of `classes_`."""
        return self._model.predict_proba(X)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable label (n,) of each window."""
        return self._model.predict(X)

    def state(self) -> bytes:
        """State of the population's model."""
        return self._model.state()

    def state_bytes(self) -> int:
        """Size of `state()`."""
        return self._model.state_bytes()


class OfflineLogistic(StreamingModel):
    r"""Logistic regression on all of one person's labelled windows so far: what no device need throw away.

    Use it as the yardstick of what streaming costs. Not on a device, nor where windows must not be kept: **it
    keeps every labelled window**, so its state grows without end. With few labels it is no upper bound, for
    it knows nothing of other people but the coordinates.

    Minimises :math:`-\sum_i \log p(c_i \mid z_i) + \lVert W \rVert^2 / 2` over the coefficients W of a
    softmax (an intercept is free), in the given coordinates.

    Parameters
    ----------
    projection : Projection
        From windows to coordinates, such as a population's ``model.projection_``.

    Attributes
    ----------
    projection_, classes_
        See `StreamingModel`.
    rows_ : array (n, d)
        Coordinates of labelled windows.
    codes_ : array (n,)
        Their classes.

    Notes
    -----
    Fitted when a prediction is asked for after new labels; cost O(n d C) a step of L-BFGS.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [9.0], [10.0]])
    >>> m = OfflineLogistic(Projection.principal(X, 1)).partial_fit(X, X[:, 0] > 5)
    >>> m.predict([[2.0], [8.0]]).tolist()
    [False, True]
    """

    def __init__(self, projection: Projection | None = None) -> None:
        self.rows_: Floats = np.empty((0, 0))
        self.codes_: Ints = np.empty(0, dtype=np.intp)
        self.classes_ = np.empty(0)
        if projection is not None:
            self.projection_ = projection
            self.rows_ = np.empty((0, projection.weight.shape[1]))
        self._fitted: Any = None

    def _learn(self, z: Floats, c: int | None) -> None:
        if c is not None:
            self.rows_, self.codes_, self._fitted = (
                np.vstack([self.rows_, z]),
                np.append(self.codes_, c),
                None,
            )

    def _proba(self, Z: Floats) -> Floats:
        if len(self.classes_) == 1:
            return np.ones((len(Z), 1))
        if self._fitted is None:
            from sklearn.linear_model import LogisticRegression

            self._fitted = LogisticRegression(max_iter=1000).fit(self.rows_, self.codes_)
        return np.asarray(self._fitted.predict_proba(Z))

    def _widen(self, place: NDArray[np.intp]) -> None:
        self.codes_ = place[self.codes_] if len(self.codes_) else self.codes_
        self._fitted = None

    def _settings(self) -> dict[str, Any]:
        return {}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"rows": self.rows_, "codes": self.codes_}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.rows_, self.codes_ = arrays["rows"], arrays["codes"]
