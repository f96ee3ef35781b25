"""A booster of small regression trees, kept as arrays, and the stages that add trees to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

from medgraft.methods.model.trees import together
from medgraft.methods.rows import Mask
from medgraft.methods.splits import Floats
from medgraft.methods.trees import Trees

MOST = 10_000  # rows behind one tree


class Booster(BaseEstimator):
    """A start and a sum of trees, one score a class (one in all for values).

    Parameters
    ----------
    start : array (m,)
        Scores before the first tree.
    trees : Trees or None
        All trees, with values (nodes, m); their sum is added to the start.
    classes : array (K,) of int, optional
        Class codes; None for values.
    """

    def __init__(self, start: Floats, trees: Trees | None, classes: NDArray[Any] | None = None) -> None:
        self.start = start
        self.trees = trees
        self.classes = classes

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes."""
        assert self.classes is not None
        return self.classes

    def scores(self, Z: Floats) -> Floats:
        """Raw scores (n, m)."""
        out = np.repeat(self.start[None], len(Z), axis=0)
        if self.trees is not None:
            out += self.trees.predict_values(Z) * len(self.trees.roots)
        return out

    def predict_proba(self, Z: Floats) -> Floats:
        """Chances (n, K) of the classes."""
        return np.asarray(softmax(self.scores(Z), axis=1))

    def predict(self, Z: Floats) -> NDArray[Any]:
        """Likeliest class code, or value (n,)."""
        if self.classes is None:
            return self.scores(Z)[:, 0]
        return np.asarray(self.classes_[self.predict_proba(Z).argmax(axis=1)])

    def with_trees(self, more: list[Trees]) -> Booster:
        """The same booster with further trees."""
        parts = more if self.trees is None else [self.trees, *more]
        return Booster(self.start, together(parts) if parts else None, self.classes)


@dataclass(frozen=True)
class Stages:
    """Rows and settings of one run of boosting.

    Parameters
    ----------
    Z : array (n, p)
    aim : array (n, m)
        Indicators of the classes, or the values.
    w : array (n,)
    depth, leaf, rate, seed
        Of the trees: levels, fewest rows in a leaf, shrinkage, seed.
    """

    Z: Floats
    aim: Floats
    w: Floats
    depth: int
    leaf: int
    rate: float
    seed: int

    def take(self, rows: Mask) -> Stages:
        """Some rows only."""
        return replace(self, Z=self.Z[rows], aim=self.aim[rows], w=self.w[rows])

    def downhill(self, scores: Floats) -> Floats:
        """Negative gradient (n, m) of the loss in the scores."""
        return self.aim - (softmax(scores, axis=1) if self.aim.shape[1] > 1 else scores)

    def loss(self, scores: Floats) -> float:
        """Weighted log loss, or half the squared error."""
        if self.aim.shape[1] > 1:
            return float(self.w @ (logsumexp(scores, axis=1) - (self.aim * scores).sum(axis=1)))
        return float(0.5 * self.w @ ((self.aim - scores) ** 2)[:, 0])

    def run(self, scores: Floats, rounds: int) -> list[Trees]:
        """Fit `rounds` trees one after another from given scores (n, m)."""
        X = np.ascontiguousarray(self.Z, dtype=np.float32)
        rng = np.random.default_rng(self.seed)
        out: list[Trees] = []
        for _ in range(rounds):
            rest = self.downhill(scores)
            n = len(X)
            at = np.arange(n) if n <= MOST else np.sort(rng.choice(n, MOST, replace=False))
            tree = DecisionTreeRegressor(
                max_depth=self.depth, min_samples_leaf=self.leaf, random_state=int(rng.integers(2**31))
            )
            with config_context(skip_parameter_validation=True):  # checks cost more than a small tree
                tree.fit(X[at], rest[at], sample_weight=self.w[at], check_input=False)
            made = Trees.of(tree)
            made.value = self.rate * self._steps(tree.apply(X[at]), made, rest[at], scores[at], self.w[at])
            scores = scores + made.predict_values(self.Z)
            out.append(made)
        return out

    def _steps(self, leaf: NDArray[Any], made: Trees, rest: Floats, scores: Floats, w: Floats) -> Floats:
        """Newton's step (nodes, m) of each leaf; for values the mean of what is left."""
        m = rest.shape[1]
        curve = np.ones_like(rest)
        if m > 1:
            p = softmax(scores, axis=1)
            curve = p * (1.0 - p)
        top, bottom = np.zeros((len(made.left), m)), np.zeros((len(made.left), m))
        np.add.at(top, leaf, w[:, None] * rest)
        np.add.at(bottom, leaf, w[:, None] * curve)
        factor = (m - 1.0) / m if m > 1 else 1.0  # K scores share what K - 1 can say
        return np.asarray(factor * top / np.maximum(bottom, 1e-9 * max(float(w.mean()), 1e-300)))
