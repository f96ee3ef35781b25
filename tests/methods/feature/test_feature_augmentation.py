"""Feature augmentation: the blocks, and the multi-task kernel that they amount to."""

from __future__ import annotations

import numpy as np

from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.feature_augmentation import FeatureAugmentation
from medgraft.methods.learner import RidgeLearner


def data(seed=0, sizes=(60, 50, 40)):
    rng = np.random.default_rng(seed)
    site = np.repeat(["a", "b", "t"], sizes)
    X = rng.normal(size=(len(site), 3))
    own = np.where(site == "t", -1.0, 1.0)
    value = 2 * X[:, 0] + own * X[:, 1] + 0.3 * rng.normal(size=len(site)) + (site == "b")
    return X, value, {"domain": site, "target": "t"}


def test_it_is_ridge_regression_with_the_multi_task_kernel():
    """Blocks (x, x_k) have products (1 + [same site]) x'z, and the ones [same site] (Evgeniou and Pontil)."""
    X, y, rows = data()
    m = FeatureAugmentation(task="regression").fit(X, y, **rows)
    Z, site = m.encoder_.transform(X), rows["domain"]
    same = (site[:, None] == site).astype(float)
    K = (1 + same) * (Z @ Z.T) + same
    n = len(Z)
    system = np.block([[K + m.learner_.penalty_ * np.eye(n), np.ones((n, 1))], [np.ones((1, n)), 0]])
    alpha = np.linalg.solve(system, np.r_[y, 0.0])
    new = np.random.default_rng(5).normal(size=(20, 3))
    E = m.encoder_.transform(new)
    mine = (site == "t").astype(float)
    expected = ((1 + mine) * (E @ Z.T) + mine) @ alpha[:-1] + alpha[-1]
    np.testing.assert_allclose(m.predict(new), expected, atol=1e-8)


def test_a_feature_whose_sign_turns_in_the_target_is_learned_there_and_shared_ones_stay():
    X, y, rows = data(sizes=(300, 300, 60))
    m = FeatureAugmentation(task="regression", estimator=RidgeLearner(penalties=[1.0])).fit(X, y, **rows)
    base = m.predict(np.zeros((1, 3)))[0]
    slopes = m.predict(np.eye(3)) - base
    np.testing.assert_allclose(slopes, [2.0, -1.0, 0.0], atol=0.15)


def test_sites_are_named_with_the_target_first():
    X, y, rows = data()
    m = FeatureAugmentation(task="regression").fit(X, y, **rows)
    assert m.sites_[0] == "t"
    assert sorted(m.sites_) == ["a", "b", "t"]
    assert m.learner_.coef_.shape == (3 + 3 * 4,)


def test_a_site_without_labels_adds_nothing():
    X, y, rows = data()
    labelled = rows["domain"] != "b"
    m = FeatureAugmentation(task="regression").fit(X, y, **rows, labelled=labelled)
    first = 3 + 4 * m.sites_.index("b")
    np.testing.assert_allclose(m.learner_.coef_[first : first + 4], 0.0, atol=1e-12)


def test_without_target_labels_all_are_pooled_and_it_says_so():
    X, y, rows = data()
    labelled = rows["domain"] != "t"
    m = FeatureAugmentation(task="regression").fit(X, y, **rows, labelled=labelled)
    assert "were pooled" in m.note_
    plain = Pooled(task="regression").fit(X, y, **rows, labelled=labelled)
    np.testing.assert_allclose(m.predict(X), plain.predict(X), rtol=1e-9)
