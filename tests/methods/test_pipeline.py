from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import check_estimator

from medgraft.methods import Pipeline
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.coral import CORAL


class Squares(BaseEstimator):
    """A featuriser that needs no fitting, as a frozen network."""

    def transform(self, X):
        return np.asarray(X) ** 2


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    domain = np.repeat(["s", "t"], [60, 30])
    return X, (X[:, 0] ** 2 > 0.5).astype(int), domain


def test_a_pipeline_is_the_method_on_the_features():
    X, y, domain = data()
    labelled = np.arange(90) < 75
    a = Pipeline(Squares(), CORAL()).fit(X, y, domain=domain, target="t", labelled=labelled)
    b = CORAL().fit(X**2, y, domain=domain, target="t", labelled=labelled)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X**2))
    np.testing.assert_array_equal(a.predict(X), b.predict(X**2))
    assert a.score(X, y) == b.score(X**2, y)
    assert a.classes_.tolist() == [0, 1]
    assert a.n_features_in_ == 3


def test_the_given_method_is_not_fitted_itself():
    X, y, _ = data()
    inner = Pooled()
    Pipeline(None, inner).fit(X, y)
    assert not hasattr(inner, "learner_")


def test_a_pipeline_is_what_its_method_is():
    assert is_classifier(Pipeline(None, Pooled()))
    assert is_regressor(Pipeline(None, Pooled(task="regression")))
    assert not hasattr(Pipeline(None, Pooled(task="regression")), "predict_proba")
    assert not hasattr(Pipeline(None, Pooled(estimator=SVC())), "predict_proba")


def test_a_note_of_the_method_is_passed_on():
    X, y, _ = data()
    assert Pipeline(None, CORAL()).fit(X, y).note_ == CORAL().fit(X, y).note_ != ""


def test_predicting_before_fitting_is_an_error():
    with pytest.raises(NotFittedError):
        Pipeline(None, Pooled()).predict([[1.0]])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learn_accepts_the_pipeline(task):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(Pipeline(None, Pooled(task=task)), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
