"""Forests that draw patients: what a tree sees, what it never saw, and joining them."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.model.trees import Growth, by_patients, joined, recoded, together

rng = np.random.default_rng(0)
X, W = rng.normal(size=(60, 4)).astype(np.float32).astype(float), rng.uniform(0.5, 2.0, 60)
VALUE, CODE = X[:, 0] + rng.normal(size=60), rng.integers(0, 3, 60)
PATIENT = np.arange(60) // 2
NEW = rng.normal(size=(30, 4))


def naive(y, k, trees, leaf, seed):
    """One tree at a time: draw patients, fit, predict the rows of patients not drawn."""
    r = np.random.default_rng(seed)
    fitted, sums, times = [], np.zeros((60, max(k, 1))), np.zeros(60)
    for _ in range(trees):
        drawn = r.integers(60, size=60)
        count = np.array([np.sum(drawn == p) for p in range(60)])
        kind = DecisionTreeClassifier if k else DecisionTreeRegressor
        tree = kind(
            min_samples_leaf=leaf, max_features="sqrt" if k else 1 / 3, random_state=int(r.integers(2**31))
        )
        in_bag = count > 0
        tree.fit(X[in_bag], y[in_bag], sample_weight=(W * count)[in_bag])
        fitted.append(tree)
        for i in np.flatnonzero(~in_bag):
            sums[i] += tree.predict_proba(X[[i]])[0] if k else tree.predict(X[[i]])
            times[i] += 1
    return fitted, sums / times[:, None]


@pytest.mark.parametrize(("y", "k"), [(VALUE, 0), (CODE, 3)])
def test_a_forest_and_its_left_out_predictions_are_those_of_a_plain_loop(y, k):
    forest, left_out = Growth(k, 25, 3, 7).forest(X, y, W, np.arange(60))
    fitted, expected = naive(y, k, 25, 3, 7)
    np.testing.assert_allclose(left_out, expected, rtol=1e-12)
    if k:
        mean = np.mean([t.predict_proba(NEW) for t in fitted], axis=0)
        np.testing.assert_allclose(forest.predict_proba(NEW), mean, rtol=1e-12)
    else:
        np.testing.assert_allclose(forest.predict(NEW), np.mean([t.predict(NEW) for t in fitted], axis=0))


def splits_by_hand(tree, node, rows, y, k, fewest):
    """Nested tuples (feature, threshold, left, right), or the value of a leaf, by the docstring's words."""
    while tree.left[node] >= 0:
        low = X[rows, tree.feature[node]] <= tree.threshold[node]
        few_low, few_high = (len(set(PATIENT[rows[s]])) < fewest for s in (low, ~low))
        if few_low and few_high:
            break
        if not few_low and not few_high:
            children = (tree.left[node], rows[low]), (tree.right[node], rows[~low])
            return (
                tree.feature[node],
                tree.threshold[node],
                *(splits_by_hand(tree, n, r, y, k, fewest) for n, r in children),
            )
        node = tree.right[node] if few_low else tree.left[node]
    w = W[rows] / W[rows].sum()
    return [round(float(v), 9) for v in ([w @ (y[rows] == c) for c in range(k)] if k else [w @ y[rows]])]


def nested(tree, node=0):
    if tree.left[node] < 0:
        return [round(float(v), 9) for v in tree.value[node]]
    below = nested(tree, tree.left[node]), nested(tree, tree.right[node])
    return (tree.feature[node], tree.threshold[node], *below)


@pytest.mark.parametrize(("y", "k"), [(VALUE, 0), (CODE, 3)])
def test_splits_that_leave_too_few_patients_on_a_side_are_left_out(y, k):
    for fewest in (2, 4, 8):
        kind = DecisionTreeClassifier if k else DecisionTreeRegressor
        tree = joined([kind(min_samples_leaf=2, random_state=0).fit(X, y, sample_weight=W)], k)
        made = by_patients(tree, X.astype(np.float32), y.astype(float), W, PATIENT, fewest)
        assert nested(made) == splits_by_hand(tree, 0, np.arange(60), y, k, fewest)
        assert len(made.left) > 1


@pytest.mark.parametrize(("y", "k"), [(VALUE, 0), (CODE, 3)])
def test_a_leaf_is_about_so_many_patients_whatever_rows_they_have(y, k):
    forest, _ = Growth(k, 20, 6, 0).forest(X, y, W, PATIENT)
    leaf = forest.leaves(X)
    fewest = min(len(set(PATIENT[leaf[:, t] == n])) for t in range(20) for n in set(leaf[:, t]))
    assert fewest >= 6 and len(forest.roots) == 20 < len(forest.left)


def test_a_tree_that_drew_too_few_patients_for_a_leaf_sees_all_of_them():
    forest, _ = Growth(0, 40, 3, 0).forest(X[:3], VALUE[:3], W[:3], np.arange(3))
    np.testing.assert_allclose(forest.value[:, 0], W[:3] @ VALUE[:3] / W[:3].sum())


def test_a_patient_whom_every_tree_saw_gets_the_mean():
    forest, left_out = Growth(0, 3, 1, 0).forest(X[:4], VALUE[:4], W[:4], np.zeros(4, dtype=int))
    np.testing.assert_allclose(left_out[:, 0], W[:4] @ VALUE[:4] / W[:4].sum())
    assert len(forest.roots) == 3


def test_a_class_that_a_tree_never_saw_has_share_zero():
    tree = DecisionTreeClassifier(random_state=0).fit(X, np.where(CODE == 1, 2, CODE))
    one = joined([tree], 3)
    assert (one.predict_proba(NEW)[:, 1] == 0).all()
    np.testing.assert_allclose(one.predict_proba(NEW)[:, [0, 2]], tree.predict_proba(NEW))


def test_joined_forests_predict_the_mean_of_their_trees_from_columns_side_by_side():
    a, b = (Growth(0, n, 3, n).forest(X, VALUE, W, PATIENT)[0] for n in (4, 6))
    both = together([a, b], [0, 4])
    wide = np.hstack([NEW, -NEW])
    np.testing.assert_allclose(
        both.predict(wide), (4 * a.predict(NEW) + 6 * b.predict(-NEW)) / 10, rtol=1e-12
    )


def test_classes_get_the_callers_codes_back():
    forest = Growth(3, 5, 3, 0).forest(X, CODE, W, PATIENT)[0]
    named = recoded(forest, np.array([2, 0, 1]))
    assert named.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(named.predict_proba(NEW)[:, [2, 0, 1]], forest.predict_proba(NEW))
