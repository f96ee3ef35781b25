"""A source forest whose trees the target's patients rebuild, one tree at a time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from medgraft.methods.model.trees import Growth, lone_forest, recoded
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError
from medgraft.methods.trees import Trees


@dataclass
class Node:
    """A node of a tree that is being rebuilt; a leaf has no children.

    Parameters
    ----------
    value : array (k,)
        Shares of the classes.
    feature : int
    threshold : float
        At most this goes left, in single precision.
    left, right : Node, optional
    """

    value: Floats
    feature: int = -1
    threshold: float = 0.0
    left: Node | None = None
    right: Node | None = None


@dataclass(frozen=True)
class Patients:
    """The target's labelled rows.

    Parameters
    ----------
    X : array (n, p) of float32
    y : array (n,) of int
        Codes 0 to k-1.
    w : array (n,)
    k : int
    """

    X: np.ndarray
    y: Ints
    w: Floats
    k: int

    def counts(self, at: Ints) -> Floats:
        """Weight (k,) of each class among rows `at`."""
        return np.asarray(np.bincount(self.y[at], self.w[at], minlength=self.k), dtype=float)

    def shares(self, at: Ints, empty: Floats) -> Floats:
        """Shares of the classes among rows `at`; `empty` where there is none."""
        count = self.counts(at)
        return count / count.sum() if len(at) else empty

    def cut(self, at: Ints, feature: int, threshold: float) -> tuple[Ints, Ints]:
        """Rows that go left, and right."""
        low = self.X[at, feature] <= threshold
        return at[low], at[~low]


def nodes_of(trees: Trees) -> list[Node]:
    """The trees of a forest as linked nodes."""
    made = [Node(v) for v in trees.value]
    for i in np.flatnonzero(trees.left >= 0):
        node = made[i]
        node.feature, node.threshold = int(trees.feature[i]), float(trees.threshold[i])
        node.left, node.right = made[trees.left[i]], made[trees.right[i]]
    return [made[r] for r in trees.roots]


def trees_of(roots: list[Node], k: int) -> Trees:
    """Linked nodes as arrays."""
    order: list[Node] = []
    starts = []
    for root in roots:
        starts.append(len(order))
        stack = [root]
        while stack:
            node = stack.pop()
            order.append(node)
            stack += [c for c in (node.right, node.left) if c is not None]
    place = {id(n): i for i, n in enumerate(order)}
    return Trees(
        np.array(starts, dtype=np.intp),
        np.array([-1 if n.left is None else place[id(n.left)] for n in order], dtype=np.intp),
        np.array([-1 if n.right is None else place[id(n.right)] for n in order], dtype=np.intp),
        np.array([n.feature for n in order], dtype=np.intp),
        np.array([n.threshold for n in order]),
        np.array([n.value for n in order]),
        np.arange(k),
    )


class RefinedForest(SiteMethod):
    """Base of the methods that rebuild the trees of a source forest on target patients.

    Derive from it and implement ``_rebuild(root, patients, seed)``. Not for values: the steps compare shares
    of classes.
    """

    falls_back_to_pooled = False  # without a source it is a forest, which no linear learner equals

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        trees: int = 50,
        leaf: int = 3,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.trees = trees
        self.leaf = leaf

    def _fit(self, rows: Rows) -> None:
        if self.trees < 1 or self.leaf < 1:
            raise InputError("trees and leaf must be 1 or more.")
        super()._fit(rows)

    def _growth(self, k: int) -> Growth:
        return Growth(k, self.trees, self.leaf, self.random_state)

    def _alone(self, rows: Rows) -> None:
        self.encoder_, self.learner_ = lone_forest(Sited.of(rows), self._growth(rows.k))

    def _transfer(self, sited: Sited) -> None:
        rows, here = sited.rows, sited.of_site(0)
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        source = rows.labelled & (sited.site > 0)
        growth = self._growth(rows.k)
        forest, _ = growth.forest(Z[source], rows.y[source], rows.weight[source], rows.units[source])
        if here.any():
            X = Z[here].astype(np.float32)
            patients = Patients(X, rows.y[here].astype(np.intp), rows.weight[here], rows.k)
            rng = np.random.default_rng(self.random_state)
            roots = [self._rebuild(r, patients, int(rng.integers(2**31))) for r in nodes_of(forest)]
            forest = trees_of(roots, rows.k)
        else:
            self.note_ = "No target patient has a label: the source's forest was kept."
        self.learner_ = recoded(forest, sited.classes)

    @abstractmethod
    def _rebuild(self, root: Node, patients: Patients, seed: int) -> Node:
        """Return the tree refined on the target's patients."""
