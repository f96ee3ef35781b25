"""Forests that draw patients: what a tree sees, what it never saw, and joining them."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.model.trees import Growth, joined, recoded, together

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
        drawn = r.integers(30, size=30)
        count = np.array([np.sum(drawn == p) for p in PATIENT])
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
    forest, left_out = Growth(k, 25, 3, 7).forest(X, y, W, PATIENT)
    fitted, expected = naive(y, k, 25, 3, 7)
    np.testing.assert_allclose(left_out, expected, rtol=1e-12)
    if k:
        mean = np.mean([t.predict_proba(NEW) for t in fitted], axis=0)
        np.testing.assert_allclose(forest.predict_proba(NEW), mean, rtol=1e-12)
    else:
        np.testing.assert_allclose(forest.predict(NEW), np.mean([t.predict(NEW) for t in fitted], axis=0))


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
