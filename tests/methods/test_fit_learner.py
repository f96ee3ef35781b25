"""One way to fit a learner: what it is given, what it falls back to, what comes back."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from medgraft.methods.fit_learner import fit_learner
from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.prepare.class_weights import ClassWeights
from medgraft.methods.table import InputError
from medgraft.methods.trees import Trees

rng = np.random.default_rng(0)
Z, Y, W, UNITS = rng.normal(size=(40, 2)), np.arange(40) % 2, rng.uniform(0.5, 2.0, 40), np.arange(40) // 2


def fitted(estimator, y=Y, weight=W, **settings):
    return fit_learner(estimator, Z, y, weight=weight, units=UNITS, **settings)


def test_weights_and_patients_reach_a_learner_that_takes_them():
    ours = fitted(LogisticLearner())
    theirs = LogisticLearner().fit(Z, Y, sample_weight=W, groups=UNITS)
    np.testing.assert_array_equal(ours.coef_, theirs.coef_)
    plain = LogisticRegression().fit(Z, Y, sample_weight=W)  # takes no groups
    np.testing.assert_array_equal(fitted(LogisticRegression()).coef_, plain.coef_)


def test_the_given_estimator_is_copied_and_a_forest_becomes_arrays():
    given = RandomForestClassifier(5, random_state=0)
    made = fitted(given)
    assert not hasattr(given, "classes_") and isinstance(made, Trees)
    same = RandomForestClassifier(5, random_state=0).fit(Z, Y, sample_weight=W)
    np.testing.assert_allclose(made.predict_proba(Z), same.predict_proba(Z))


def test_one_class_falls_back_to_the_default_learner_and_values_do_not():
    assert isinstance(fitted(LogisticRegression(), np.zeros(40, dtype=int)), LogisticLearner)
    assert isinstance(fitted(None, np.zeros(40), task="regression"), RidgeLearner)
    assert type(fitted(KNeighborsClassifier(), np.zeros(40), np.ones(40), task="regression")) is (
        KNeighborsClassifier
    )


def test_a_balanced_learner_of_one_class_is_no_error():
    m = ClassWeights(estimator=LogisticRegression()).fit(Z, np.repeat("well", 40))
    assert m.predict(Z[:2]).tolist() == ["well", "well"]


def test_weights_that_differ_ask_for_a_learner_that_takes_them():
    with pytest.raises(InputError, match="KNeighborsClassifier takes no sample_weight"):
        fitted(KNeighborsClassifier())
    assert fitted(KNeighborsClassifier(), weight=np.full(40, 2.0)).n_samples_fit_ == 40
