"""Structure expansion and reduction: target patients grow a source tree's leaves and cut what errs."""

from __future__ import annotations

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from medgraft.methods.model.refined import Node, Patients, RefinedForest, nodes_of
from medgraft.methods.model.trees import joined
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats, Ints


@method(
    "ser",
    family="model",
    tasks=("classification",),
    needs=("source", "target-labels"),
    cost="O(T n p log n), T trees",
    refs=("Segev et al. 2017, doi:10.1109/TPAMI.2016.2618118",),
)
class SER(RefinedForest):
    r"""Expand the leaves of a source forest on target patients, then prune what does not help them.

    Use it when the source's splits are right in the main and the target needs finer ones in places. Not with
    a handful of target patients: what none of them reaches is cut off (``strut`` has the same limit).

    For each source tree, with the target's patients sent down it:

    1. *expansion*: a leaf becomes a tree grown on the patients that reached it, until its leaves are pure;
    2. *reduction*, from the bottom: a node with patients S becomes a leaf when
       :math:`E_{leaf} = \sum_{i \in S} w_i - \max_c \sum_{i \in S, y_i = c} w_i` is at most the weighted
       number of patients of S that its subtree tells wrongly.

    Leaves predict the shares of the target's classes; one that no patient reached, its parent's. The forest
    is the mean of its trees.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method has a model of its own.
    trees : int
        Trees of the source forest (the paper: 50).
    leaf : int
        Fewest patients in a leaf of the source's trees; expansion goes down to one.

    Attributes
    ----------
    learner_ : Trees
        The refined forest.
    note_ : str
        Says so when there was no source or no target label.

    Raises
    ------
    InputError
        An `estimator` was given, or a setting below one.

    Notes
    -----
    All sources are pooled. Each source tree draws at most 5000 patients. Memory O(nodes).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(260, 2))
    >>> y = np.where(np.arange(260) < 200, X[:, 0] > 0, (X[:, 0] > 0) & (X[:, 1] > 0))
    >>> site = np.repeat(["a", "here"], [200, 60])
    >>> SER().fit(X, y, domain=site, target="here").predict([[1.0, 1.0], [1.0, -1.0]]).tolist()
    [True, False]
    """

    def _rebuild(self, root: Node, patients: Patients, seed: int) -> Node:
        everyone = np.arange(len(patients.y))
        rng = np.random.default_rng(seed)
        return reduce(expand(root, patients, everyone, rng), patients, everyone, np.ones(patients.k))[0]


def expand(node: Node, patients: Patients, at: Ints, rng: np.random.Generator) -> Node:
    """Replace the leaves that patients `at` reach by trees grown on them."""
    if node.left is None or node.right is None:
        if len(at) < 2 or len(np.unique(patients.y[at])) < 2:
            return Node(node.value)
        seed = int(rng.integers(2**31))
        tree = DecisionTreeClassifier(criterion="entropy", max_features="sqrt", random_state=seed)
        tree.fit(patients.X[at], patients.y[at], sample_weight=patients.w[at])
        return nodes_of(joined([tree], patients.k))[0]
    low, high = patients.cut(at, node.feature, node.threshold)
    left, right = expand(node.left, patients, low, rng), expand(node.right, patients, high, rng)
    return Node(node.value, node.feature, node.threshold, left, right)


def reduce(node: Node, patients: Patients, at: Ints, above: Floats) -> tuple[Node, float]:
    """Prune from the bottom; return the node and the weight of the patients `at` that it tells wrongly."""
    value = patients.shares(at, above)
    count = patients.counts(at)
    as_leaf = float(count.sum() - count.max())
    if node.left is None or node.right is None or not len(at):
        return Node(value), as_leaf
    low, high = patients.cut(at, node.feature, node.threshold)
    left, wrong_left = reduce(node.left, patients, low, value)
    right, wrong_right = reduce(node.right, patients, high, value)
    wrong = wrong_left + wrong_right
    if as_leaf <= wrong * (1.0 + 1e-9):
        return Node(value), as_leaf
    return Node(value, node.feature, node.threshold, left, right), wrong
