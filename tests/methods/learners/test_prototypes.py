from __future__ import annotations

import numpy as np

from medgraft.methods.learners.base import Lesson
from medgraft.methods.learners.clusters import PATIENTS, clusters
from medgraft.methods.learners.prototypes import PrototypeLearner


def lesson(Z, units=None):
    n = len(Z)
    return Lesson(Z, np.zeros(n, int), np.ones(n), np.arange(n) if units is None else units, 1)


def test_no_cluster_has_fewer_than_three_patients_and_each_mean_is_a_mean():
    Z = np.random.default_rng(0).normal(size=(50, 3)) ** 3  # heavy tails: lonely rows
    units = np.repeat(np.arange(25), 2)
    means, near, weight = clusters(lesson(Z, units), 20, 0)
    for j, m in enumerate(means):
        assert len(np.unique(units[near == j])) >= PATIENTS
        np.testing.assert_allclose(m, Z[near == j].mean(axis=0))
    assert weight.sum() == 50 and len(means) <= 8


def test_a_few_patients_are_one_cluster():
    Z = np.arange(8.0)[:, None]
    means, near, _ = clusters(lesson(Z, np.repeat([0, 1], 4)), 5, 0)
    np.testing.assert_allclose(means, [[3.5]])
    assert (near == 0).all()


def test_with_one_prototype_a_class_the_vote_is_written_down():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) + np.repeat([[0.0], [1.0]], [40, 20], axis=0)
    y = np.repeat([0, 1], [40, 20])
    m = PrototypeLearner(count=1, width=1.5).fit(X, y)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    means = [Z[y == k].mean(axis=0) for k in (0, 1)]
    inside = sum(((Z[y == k] - means[k]) ** 2).sum() for k in (0, 1)) / (60 * 4) * np.sqrt(4)
    score = [n * np.exp(-((Z - c) ** 2).sum(axis=1) / (2 * 1.5**2 * inside))
             for n, c in zip((40, 20), means, strict=True)]  # fmt: skip
    np.testing.assert_allclose(m.predict_proba(X)[:, 1], score[1] / (score[0] + score[1]), atol=1e-9)


def test_a_class_of_several_kinds_gets_several_prototypes():
    rng = np.random.default_rng(1)
    centres = np.array([[-3.0, -3], [3, 3], [-3, 3], [3, -3]])
    X = rng.normal(size=(160, 2)) * 0.6 + np.repeat(centres, 40, axis=0)
    y = np.repeat([0, 1], 80)
    m = PrototypeLearner().fit(X, y)
    assert m.count_ >= 2 and (m.predict(X) == y).all()


def test_a_value_is_a_mean_of_the_clusters_values():
    X = np.linspace(-1, 1, 100)[:, None]
    y = np.abs(X[:, 0])
    m = PrototypeLearner(task="regression").fit(X, y)
    got = m.predict(X)
    assert y.min() <= got.min() and got.max() <= y.max()
    assert np.corrcoef(got, y)[0, 1] > 0.9
