"""Refining trees on target patients: trees small enough to do by hand, and a plain search of thresholds."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from medgraft.methods.model.refined import Node, Patients, nodes_of, trees_of
from medgraft.methods.model.ser import SER, expand, reduce
from medgraft.methods.model.strut import STRUT, information_gain, strut, threshold
from medgraft.methods.model.trees import Growth


def leaf(p):
    return Node(np.array([1.0 - p, p]))


def stump(at=0.0, left=0.1, right=0.9):
    """Class 1 above `at`."""
    return Node(np.array([0.5, 0.5]), 0, at, leaf(left), leaf(right))


def people(x, y, w=None, k=2):
    x = np.asarray(x, dtype=np.float32)
    X = x[:, None] if x.ndim == 1 else x
    return Patients(X, np.asarray(y), np.ones(len(y)) if w is None else np.asarray(w, dtype=float), k)


def everyone(p):
    return np.arange(len(p.y))


def shape(node):
    """Nested tuples: (feature, threshold, left, right), or the share of class 1."""
    if node.left is None:
        return round(float(node.value[1]), 6)
    return node.feature, round(node.threshold, 6), shape(node.left), shape(node.right)


def test_trees_become_nodes_and_nodes_trees():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), rng.integers(0, 3, 80)
    forest, _ = Growth(3, 6, 2, 0).forest(X, y, np.ones(80), np.arange(80))
    again = trees_of(nodes_of(forest), 3)
    np.testing.assert_array_equal(again.predict_proba(X), forest.predict_proba(X))


def test_thresholds_move_to_where_the_target_has_the_same_classes():
    p = people([4, 5, 6, 10, 11, 12], [0, 0, 0, 1, 1, 1])
    assert shape(strut(stump(), p, everyone(p), np.ones(2))) == (0, 8.0, 0.0, 1.0)


def test_subtrees_change_places_where_the_target_is_upside_down():
    inner = Node(np.array([0.2, 0.8]), 1, 0.0, leaf(0.6), leaf(1.0))
    tree = Node(np.array([0.5, 0.5]), 0, 0.0, leaf(0.05), inner)
    x = [[-3, -1], [-2, 1], [-1.5, 2], [2, 0], [3, 0], [4, 1]]
    p = people(x, [0, 1, 1, 0, 0, 0])
    built = strut(tree, p, everyone(p), np.ones(2))
    # Ill patients are now low in feature 0: the question about feature 1 is asked there.
    assert shape(built) == (0, 0.25, (1, 0.0, 0.0, 1.0), 0.0)


def test_what_no_patient_reaches_is_cut_off():
    deep = Node(np.array([0.2, 0.8]), 1, 0.0, stump(3.0), leaf(1.0))
    tree = Node(np.array([0.5, 0.5]), 0, 0.0, leaf(0.0), deep)
    p = people([[-1, 0], [1, 1], [2, 1]], [0, 1, 1])
    assert shape(strut(tree, p, everyone(p), np.ones(2))) == (0, 0.0, 0.0, 1.0)


def test_one_value_or_one_class_makes_a_leaf():
    for x, y, share in (([1, 1, 1], [0, 1, 1], 2 / 3), ([1, 2, 3], [1, 1, 1], 1.0)):
        p = people(x, y)
        assert shape(strut(stump(), p, everyone(p), np.ones(2))) == round(share, 6)


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_is_that_of_a_plain_search(seed):
    r = np.random.default_rng(seed)
    x, y, w = r.integers(0, 12, 30).astype(float), r.integers(0, 3, 30), r.uniform(0.5, 2, 30)
    p = people(x, y, w, k=3)
    Q = r.dirichlet(np.ones(3), size=2)
    node = Node(Q.mean(axis=0), 0, 0.0, Node(Q[0]), Node(Q[1]))
    levels = np.unique(x)
    cuts = (levels[1:] + levels[:-1]) / 2

    def share(rows):
        return np.array([w[rows & (y == c)].sum() for c in range(3)]) / w[rows].sum()

    gains, scores = [], []
    for c in cuts:
        L, R = x <= c, x > c
        a, b = w[L].sum() / w.sum(), w[R].sum() / w.sum()
        gains.append(
            entropy(share(L | R), base=2) - a * entropy(share(L), base=2) - b * entropy(share(R), base=2)
        )
        scores.append(
            [
                1 - a * jensenshannon(share(L), q, 2) ** 2 - b * jensenshannon(share(R), s, 2) ** 2
                for q, s in (Q, Q[::-1])
            ]
        )
    g = [0, *gains, 0]
    top = [i for i in range(len(cuts)) if g[i + 1] >= g[i] and g[i + 1] >= g[i + 2]]
    best = max(top, key=lambda i: max(scores[i]))
    tau, swapped = threshold(node, p, everyone(p))
    assert tau == cuts[best] and swapped == (scores[best][1] > scores[best][0])
    low = np.array([[w[(x <= c) & (y == k)].sum() for k in range(3)] for c in cuts])
    high = np.array([[w[(x > c) & (y == k)].sum() for k in range(3)] for c in cuts])
    np.testing.assert_allclose(information_gain(low, high), gains, atol=1e-12)


def test_a_leaf_is_expanded_until_it_is_pure():
    p = people([-2, -1, 1, 2, 3], [0, 0, 1, 0, 0])
    built = expand(stump(), p, everyone(p), np.random.default_rng(0))
    assert shape(built) == (0, 0.0, 0.1, (0, 1.5, 1.0, 0.0))


def test_a_split_that_errs_more_than_a_leaf_is_cut():
    # As a leaf: one wrong. By the source's split: 1 of {0, 1} on the left is a tie and wrong, right is right.
    p = people([-1, -1, 1, 2], [0, 1, 0, 0])
    node, wrong = reduce(stump(), p, everyone(p), np.ones(2))
    assert shape(node) == 0.25 and wrong == 1.0
    # With the ill patient on the right side the split is worth keeping.
    p = people([-1, -2, 1, -3], [0, 0, 1, 0])
    node, wrong = reduce(stump(), p, everyone(p), np.ones(2))
    assert shape(node) == (0, 0.0, 0.0, 1.0) and wrong == 0.0


def test_pruning_goes_from_the_bottom_with_weights():
    inner = stump(1.0)
    tree = Node(np.array([0.5, 0.5]), 0, 0.0, leaf(0.0), inner)
    p = people([-1, 0.5, 2.0, 3.0], [0, 1, 1, 0], [1.0, 5.0, 2.0, 1.0])
    node, wrong = reduce(tree, p, everyone(p), np.ones(2))
    # The inner split leaves the light patient wrong either way, so it goes; the outer one stays.
    assert shape(node) == (0, 0.0, 0.0, 0.875) and wrong == 1.0


@pytest.mark.parametrize("cls", [SER, STRUT])
def test_the_forest_is_the_mean_of_trees_refined_one_by_one(cls):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 3))
    y = (X[:, 0] > 0).astype(int)
    X[120:, 0] += 2.0
    site = np.repeat(["a", "here"], [120, 40])
    m = cls(trees=5).fit(X, y, domain=site, target="here")
    each = nodes_of(m.learner_)
    assert len(each) == 5
    mean = np.mean([trees_of([t], 2).predict_proba(X) for t in each], axis=0)
    np.testing.assert_allclose(m.learner_.predict_proba(X), mean)
    # Every leaf with patients tells their shares at the target.
    Z = m.encoder_.transform(X[120:])
    at = m.learner_.leaves(Z)
    for t in range(5):
        for node in np.unique(at[:, t]):
            share = y[120:][at[:, t] == node].mean()
            assert m.learner_.value[node, 1] == pytest.approx(share)


def test_without_target_labels_the_sources_forest_is_kept():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = (X[:, 0] > 0).astype(int)
    site = np.repeat(["a", "here"], 40)
    m = STRUT(trees=5).fit(X, y, domain=site, target="here", labelled=site == "a")
    assert "label" in m.note_ and len(m.learner_.roots) == 5
