"""Growing a forest whose trees draw patients, not rows, and that knows its own error on those left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.encode import TableEncoder
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats, Ints, number_again
from medgraft.methods.trees import Trees

MAX_PATIENTS = 5000  # drawn for one tree


@dataclass(frozen=True)
class Growth:
    """How trees are grown.

    Parameters
    ----------
    k : int
        Number of classes; 0 for values.
    trees : int
    leaf : int
        Fewest patients in a leaf, however many rows they have.
    seed : int
    """

    k: int
    trees: int
    leaf: int
    seed: int

    def tree(self, seed: int) -> Any:
        """Return an unfitted tree: each split looks at the root of the features (values: a third)."""
        make: Any = DecisionTreeClassifier if self.k else DecisionTreeRegressor
        features: Any = "sqrt" if self.k else 1.0 / 3.0
        return make(min_samples_leaf=self.leaf, max_features=features, random_state=seed)

    def forest(self, Z: Floats, y: NDArray[Any], w: Floats, units: Ints) -> tuple[Trees, Floats]:
        """Grow a forest; return it with the predictions of its rows by the trees that never saw them.

        Parameters
        ----------
        Z : array (n, p)
        y : array (n,)
            Codes 0 to k-1, or values.
        w : array (n,)
            Positive weights.
        units : array (n,) of int
            Patients. Each tree draws as many as there are, with replacement, at most 5000; a tree that has
            drawn too few different ones for a leaf sees all of them.

        Returns
        -------
        Trees
            With classes 0 to k-1.
        array (n, k) or (n, 1)
            The weighted shares of classes, or mean, in place of a row that every tree saw.
        """
        X = np.ascontiguousarray(Z, dtype=np.float32)
        aim = np.ascontiguousarray(y, dtype=np.float64)
        own = number_again(units)
        patients = int(own.max()) + 1
        repeats = len(own) > patients
        rng = np.random.default_rng(self.seed)
        total, seen = np.zeros((len(y), max(self.k, 1))), np.zeros(len(y))
        grown: list[Trees] = []
        for _ in range(self.trees):
            times = np.bincount(rng.integers(patients, size=min(patients, MAX_PATIENTS)), minlength=patients)
            if np.count_nonzero(times) < self.leaf:
                times = np.ones(patients, dtype=np.intp)
            drawn = times[own]
            used, out = drawn > 0, drawn == 0
            fitted = self.tree(int(rng.integers(2**31)))
            with config_context(skip_parameter_validation=True):  # checks cost more than a small tree
                fitted.fit(X[used], aim[used], sample_weight=(w * drawn)[used], check_input=False)
            tree = joined([fitted], self.k)
            if repeats:
                tree = by_patients(tree, X[used], aim[used], (w * drawn)[used], own[used], self.leaf)
            grown.append(tree)
            if out.any():
                total[out] += tree.predict_values(X[out])
                seen[out] += 1
        plain = np.eye(self.k)[y.astype(np.intp)] if self.k else y[:, None]
        mean = w @ plain / w.sum()
        left_out = np.where(seen[:, None] > 0, total / np.maximum(seen, 1.0)[:, None], mean)
        return together(grown), left_out


def by_patients(
    tree: Trees, X: NDArray[np.float32], y: NDArray[Any], w: Floats, units: Ints, fewest: int
) -> Trees:
    """A tree without the splits that leave fewer than so many patients on one side.

    The other side takes the place of such a split, and the values of all nodes are made anew from the rows
    that now reach them.

    Parameters
    ----------
    tree : Trees
        One tree.
    X : array (n, p) of float32
    y : array (n,)
        Codes 0 to K-1 of the tree's classes, or values.
    w : array (n,)
    units : array (n,) of int
        Patients.
    fewest : int
    """
    aim = y[:, None] if tree.classes is None else np.eye(len(tree.classes))[y.astype(np.intp)]
    links: list[list[int]] = []  # left, right and feature of each node that stays
    threshold: list[float] = []
    value: list[Floats] = []
    waiting = [(int(tree.roots[0]), np.arange(len(X)), -1, 0)]
    while waiting:
        node, rows, above, side = waiting.pop()
        parts: tuple[Ints, ...] = ()
        while tree.left[node] >= 0:
            low = X[rows, tree.feature[node]] <= tree.threshold[node]
            parts = rows[low], rows[~low]
            enough = [len(np.unique(units[p])) >= fewest for p in parts]
            if all(enough) or not any(enough):
                break
            node = int((tree.left if enough[0] else tree.right)[node])
        splits = tree.left[node] >= 0 and all(enough)
        if above >= 0:
            links[above][side] = len(links)
        if splits:
            waiting += [(int(tree.right[node]), parts[1], len(links), 1)]
            waiting += [(int(tree.left[node]), parts[0], len(links), 0)]
        links.append([-1, -1, int(tree.feature[node]) if splits else -1])
        threshold.append(float(tree.threshold[node]) if splits else 0.0)
        value.append(w[rows] @ aim[rows] / w[rows].sum())
    left, right, feature = np.array(links, dtype=np.intp).T
    root = np.zeros(1, dtype=np.intp)
    return Trees(root, left, right, feature, np.array(threshold), np.array(value), tree.classes)


def values_of(tree: Any, k: int) -> Floats:
    """Shares (nodes, k) of the classes in a fitted tree of scikit-learn, also of those it never saw."""
    value = tree.tree_.value[:, 0, :]
    if not k:
        return np.asarray(value)
    out = np.zeros((len(value), k))
    out[:, tree.classes_.astype(np.intp)] = value / value.sum(axis=1, keepdims=True)
    return out


def joined(grown: list[Any], k: int) -> Trees:
    """Fitted trees of scikit-learn as one forest in arrays."""
    parts = [Trees.of(t) for t in grown]
    for part, tree in zip(parts, grown, strict=True):
        part.value = values_of(tree, k)
        part.classes = np.arange(k) if k else None
    return together(parts)


def together(parts: list[Trees], offsets: list[int] | None = None) -> Trees:
    """Join forests of the same classes into one; `offsets` are added to the features that they split."""
    counts = np.array([len(p.left) for p in parts])
    start = np.cumsum(counts) - counts
    shift = [0] * len(parts) if offsets is None else offsets

    def children(side: str) -> Ints:
        each = [getattr(p, side) for p in parts]
        return np.concatenate([np.where(c < 0, -1, c + s) for c, s in zip(each, start, strict=True)])

    return Trees(
        np.concatenate([p.roots + s for p, s in zip(parts, start, strict=True)]),
        children("left"),
        children("right"),
        np.concatenate([np.where(p.left < 0, -1, p.feature + o) for p, o in zip(parts, shift, strict=True)]),
        np.concatenate([p.threshold for p in parts]),
        np.concatenate([p.value for p in parts]),
        parts[0].classes,
    )


def recoded(trees: Trees, classes: Ints) -> Trees:
    """The same trees with class j named `classes[j]`, the columns in the order of these names."""
    if not len(classes):
        return trees
    made = Trees(**{**trees.get_params(deep=False), "value": trees.value[:, np.argsort(classes)]})
    made.classes = np.sort(classes)
    return made


def first_trees(trees: Trees, count: int) -> Trees:
    """The first `count` trees of a forest, or all that there are."""
    if count >= len(trees.roots):
        return trees
    end = int(trees.roots[count])
    names = ("left", "right", "feature", "threshold", "value")
    nodes = {n: getattr(trees, n)[:end] for n in names}
    return Trees(roots=trees.roots[:count], classes=trees.classes, **nodes)


def lone_forest(sited: Sited, growth: Growth) -> tuple[TableEncoder, Trees]:
    """Encoder and forest of all labelled rows, on the caller's class codes."""
    rows, where = sited.rows, sited.rows.labelled
    encoder = rows.encoder()
    Z = encoder.transform(rows.table)[where]
    forest, _ = growth.forest(Z, rows.y[where], rows.weight[where], rows.units[where])
    return encoder, recoded(forest, sited.classes)
