"""Fitted forests joined by weights that depend on the patient, from the leaves of the target's forest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from medgraft.methods.model.simplex import simplex_weights
from medgraft.methods.splits import Floats
from medgraft.methods.trees import Trees

BLOCK = 20_000  # rows at once


def outer(rest: Floats) -> Floats:
    """Upper triangles (n, m (m + 1) / 2) of the products of residuals (n, m, c), summed over c."""
    i, j = np.triu_indices(rest.shape[1])
    return np.asarray((rest[:, i] * rest[:, j]).sum(axis=2))


def full(upper: Floats, m: int) -> Floats:
    """Symmetric matrices (n, m, m) of upper triangles."""
    out = np.empty((len(upper), m, m))
    i, j = np.triu_indices(m)
    out[:, i, j] = upper
    out[:, j, i] = upper
    return out


def leaf_means(forest: Trees, Z: Floats, value: Floats, w: Floats) -> Trees:
    """The same trees with the weighted mean (q,) of `value` (n, q) over the rows of each leaf."""
    leaf = forest.leaves(Z)
    total, weight = np.zeros((len(forest.left), value.shape[1])), np.zeros(len(forest.left))
    for t in range(leaf.shape[1]):
        np.add.at(total, leaf[:, t], w[:, None] * value)
        np.add.at(weight, leaf[:, t], w)
    mean = total / np.where(weight > 0, weight, 1.0)[:, None]
    return Trees(**{**forest.get_params(deep=False), "value": mean, "classes": None})


class Stacked(BaseEstimator):
    r"""The weighted mean of forests, with weights for each patient.

    It predicts :math:`\sum_k w_k(x) f_k(x)`, where w minimises :math:`w^\top (R(x) + \kappa \bar R) w` on
    the simplex: R(x) is the mean over the trees of the target's forest of the leaf's mean of
    :math:`(p_j - y)(p_k - y)`, which is the forest-weighted squared error of the mixture.

    Parameters
    ----------
    forests : list of Trees
        On the same encoded columns; the target's own is the first.
    kernel : Trees
        The target's forest with upper triangles of leaf means.
    shared : array (m (m + 1) / 2,)
        :math:`\bar R`, over all of the target's patients.
    pull : float
        :math:`\kappa`; infinity gives everybody the same weights.
    """

    def __init__(self, forests: list[Trees], kernel: Trees, shared: Floats, pull: float) -> None:
        self.forests = forests
        self.kernel = kernel
        self.shared = shared
        self.pull = pull

    @property
    def classes_(self) -> NDArray[Any]:
        """Class codes."""
        return self.forests[0].classes_

    def weights(self, Z: Floats) -> Floats:
        """Weights (n, m) of the forests for each row."""
        m = len(self.forests)
        if np.isinf(self.pull):
            return np.repeat(simplex_weights(full(self.shared[None], m)), len(Z), axis=0)
        return np.concatenate(
            [
                simplex_weights(full(self.kernel.predict_values(Z[b]) + self.pull * self.shared, m))
                for b in blocks(len(Z))
            ]
        )

    def _mixed(self, Z: Floats) -> Floats:
        w = self.weights(Z)
        return np.asarray(sum(w[:, [k]] * f.predict_values(Z) for k, f in enumerate(self.forests)))

    def predict_proba(self, Z: Floats) -> Floats:
        """Chances (n, K) of the classes."""
        return self._mixed(Z)

    def predict(self, Z: Floats) -> NDArray[Any]:
        """Likeliest class code, or value (n,)."""
        out = self._mixed(Z)
        return out[:, 0] if self.forests[0].classes is None else self.classes_[out.argmax(axis=1)]


def blocks(n: int) -> list[slice]:
    """Slices that cover n rows."""
    return [slice(i, i + BLOCK) for i in range(0, n, BLOCK)]
