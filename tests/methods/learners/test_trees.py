"""Extra trees and boosting, held to scikit-learn's own and to boosting written out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

from medgraft.base import MedgraftError
from medgraft.methods.learners.boosting import BoostingLearner
from medgraft.methods.learners.extra_trees import ExtraTreesLearner


def seen_by(cls):
    """The learner with a memory of the rows that it was given, in its own order."""
    lessons = []

    class Spy(cls):
        def _fit(self, lesson):
            lessons.append(lesson)
            super()._fit(lesson)

    return Spy, lessons


def data(seed=0, n=90):
    X = np.random.default_rng(seed).normal(size=(n, 4))
    return X, X[:, 0] * X[:, 1] + 0.1 * X[:, 2]


def test_extra_trees_are_those_of_scikit_learn_on_the_same_rows():
    X, s = data()
    Spy, lessons = seen_by(ExtraTreesLearner)
    m = Spy(trees=15, random_state=3).fit(X, s > 0)
    lesson = lessons[0]
    forest = ExtraTreesClassifier(15, min_samples_leaf=3, max_features="sqrt", random_state=3)
    forest.fit(lesson.Z, lesson.y, sample_weight=lesson.weight)
    expected = forest.predict_proba((X - X.mean(axis=0)) / X.std(axis=0))
    np.testing.assert_allclose(m.predict_proba(X)[:, m.place_], expected, atol=1e-9)


def test_boosting_of_values_is_scikit_learns():
    X, s = data(1)
    Spy, lessons = seen_by(BoostingLearner)
    m = Spy(task="regression", rounds=30, leaf=5).fit(X, s)
    lesson = lessons[0]
    same = GradientBoostingRegressor(n_estimators=30, learning_rate=0.1, max_depth=3, min_samples_leaf=5).fit(
        lesson.Z, lesson.y
    )
    expected = s.mean() + s.std() * same.predict((X - X.mean(axis=0)) / X.std(axis=0))
    np.testing.assert_allclose(m.predict(X), expected, atol=1e-6)


def test_two_rounds_for_classes_are_newtons_steps_written_out():
    X, s = data(2)
    Spy, lessons = seen_by(BoostingLearner)
    m = Spy(rounds=2, rate=0.5, depth=2, leaf=4).fit(X, np.digitize(s, [-0.3, 0.3]))
    lesson = lessons[0]
    aim = np.eye(3)[lesson.y]
    scores = np.tile(np.log(aim.mean(axis=0)), (len(aim), 1))
    for _ in range(2):
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        tree = DecisionTreeRegressor(max_depth=2, min_samples_leaf=4, random_state=0).fit(lesson.Z, aim - p)
        leaf = tree.apply(lesson.Z)
        for at in np.unique(leaf):
            own = leaf == at
            curve = (p[own] * (1 - p[own])).sum(axis=0)
            scores[own] += 0.5 * (2 / 3) * (aim - p)[own].sum(axis=0) / curve
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    at = [int(np.abs(lesson.Z - z).sum(axis=1).argmin()) for z in Z]
    np.testing.assert_allclose(m.predict_proba(X)[:, m.place_], p[at], atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"rounds": 0}, "rounds must"), ({"rate": 0.0}, "rate must"), ({"leaf": 0}, "leaf")],
)
def test_a_setting_of_boosting_out_of_range_is_answered_in_one_sentence(settings, says):
    with pytest.raises(MedgraftError, match=says):
        BoostingLearner(task="regression", **settings).fit(*data())
