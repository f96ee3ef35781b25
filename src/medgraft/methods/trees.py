"""Fitted trees and forests of scikit-learn as plain arrays, which a file without code can hold."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.splits import Floats, Ints

AVERAGED = (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)


class Trees(BaseEstimator):
    """The mean of fitted trees, kept as arrays.

    Use it to save or send a tree or a forest: scikit-learn's own trees are compiled objects that a file
    without code cannot hold. It predicts what they predict.

    Parameters
    ----------
    roots : array (trees,) of int
        Node at which each tree starts.
    left, right : arrays (nodes,) of int
        Child of a node when its feature is at most the threshold, or more; -1 in a leaf.
    feature : array (nodes,) of int
    threshold : array (nodes,)
        Compared in single precision, as scikit-learn does.
    value : array (nodes, m)
        Shares of the classes, or one mean.
    classes : array (K,), optional
        Class codes; None for values.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> trees = Trees.of(DecisionTreeRegressor().fit([[0.0], [1.0]], [3.0, 5.0]))
    >>> trees.predict(np.array([[0.2], [0.9]])).tolist()
    [3.0, 5.0]
    """

    def __init__(
        self,
        roots: Ints,
        left: Ints,
        right: Ints,
        feature: Ints,
        threshold: Floats,
        value: Floats,
        classes: NDArray[Any] | None = None,
    ) -> None:
        self.roots = roots
        self.left = left
        self.right = right
        self.feature = feature
        self.threshold = threshold
        self.value = value
        self.classes = classes

    @classmethod
    def of(cls, fitted: Any) -> Self:
        """Copy a fitted tree, or a forest that averages its trees, of one output."""
        trees = [t.tree_ for t in getattr(fitted, "estimators_", [fitted])]
        counts = np.array([t.node_count for t in trees])
        roots = np.cumsum(counts) - counts
        left, right = (
            np.concatenate([np.where(c < 0, -1, c + r) for c, r in zip(side, roots, strict=True)])
            for side in ([t.children_left for t in trees], [t.children_right for t in trees])
        )
        value = np.concatenate([t.value[:, 0, :] for t in trees])
        classes = getattr(fitted, "classes_", None)
        if classes is not None:
            value = value / value.sum(axis=1, keepdims=True)
        feature = np.concatenate([t.feature for t in trees]).astype(np.intp)
        threshold = np.concatenate([t.threshold for t in trees])
        return cls(roots, left, right, feature, threshold, value, classes)

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes."""
        assert self.classes is not None
        return self.classes

    def leaves(self, Z: Floats) -> Ints:
        """Node (n, trees) of the leaf of each row in each tree."""
        X = np.asarray(Z, dtype=np.float32)
        return np.column_stack([self._leaf(X, int(root)) for root in self.roots])

    def _leaf(self, X: NDArray[np.float32], root: int) -> Ints:
        at = np.full(len(X), root, dtype=np.intp)
        moving = np.arange(len(X))
        while len(moving):
            node = at[moving]
            inner = self.left[node] >= 0
            moving, node = moving[inner], node[inner]
            low = X[moving, self.feature[node]] <= self.threshold[node]
            at[moving] = np.where(low, self.left[node], self.right[node])
        return at

    def predict_values(self, Z: Floats) -> Floats:
        """Mean (n, m) of the values of the leaves that a row falls into."""
        X = np.asarray(Z, dtype=np.float32)
        total = np.zeros((len(X), self.value.shape[1]))
        for root in self.roots:
            total += self.value[self._leaf(X, int(root))]
        return np.asarray(total / len(self.roots))

    def predict_proba(self, Z: Floats) -> Floats:
        """Mean shares (n, K) of the classes."""
        return self.predict_values(Z)

    def predict(self, Z: Floats) -> NDArray[Any]:
        """Likeliest class code, or mean value (n,)."""
        mean = self.predict_values(Z)
        return mean[:, 0] if self.classes is None else np.asarray(self.classes[mean.argmax(axis=1)])


def as_arrays(fitted: Any) -> Any:
    """Return a fitted tree or averaging forest as `Trees`; anything else as it is."""
    return Trees.of(fitted) if isinstance(fitted, AVERAGED) else fitted
