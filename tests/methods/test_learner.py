from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils.estimator_checks import check_estimator

from medgraft.methods.learner import RIDGE_PENALTIES, LogisticLearner, RidgeLearner, default_learner


@pytest.mark.parametrize("learner", [LogisticLearner(penalties=[1.0, 10.0]), RidgeLearner()], ids=str)
def test_scikit_learn_accepts_the_learner(learner):
    results = check_estimator(learner, on_fail=None, on_skip=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


def test_each_task_has_its_learner():
    assert isinstance(default_learner("regression"), RidgeLearner)
    for task in ("classification", "binary", "multiclass"):
        assert isinstance(default_learner(task, 3), LogisticLearner)
        assert default_learner(task, 3).random_state == 3


def test_ridge_with_one_row_a_patient_chooses_as_leave_one_out_does():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    y = X[:, 0] + rng.normal(size=40)
    ours = RidgeLearner().fit(X, y)
    theirs = RidgeCV(alphas=RIDGE_PENALTIES).fit(X, y)
    assert ours.penalty_ == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8)


def test_ridge_leaves_out_whole_patients():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(12), 10)
    level = rng.normal(size=12)
    X = rng.normal(size=(12, 30))[patient] + 0.01 * rng.normal(size=(120, 30))  # a patient's fingerprint
    y = level[patient]  # which has nothing to do with the label
    by_row, by_patient = RidgeLearner().fit(X, y), RidgeLearner().fit(X, y, groups=patient)
    assert by_patient.penalty_ > 1000 * by_row.penalty_


def test_logistic_leaves_out_whole_patients():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(20), 8)
    X = rng.normal(size=(20, 40))[patient] + 0.01 * rng.normal(size=(160, 40))
    y = rng.integers(0, 2, 20)[patient]
    by_row, by_patient = LogisticLearner().fit(X, y), LogisticLearner().fit(X, y, groups=patient)
    assert by_patient.penalty_ > 100 * by_row.penalty_


def test_a_class_with_one_patient_falls_back_to_penalty_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = np.r_[np.zeros(29, dtype=int), 1]
    m = LogisticLearner().fit(X, y)
    assert m.penalty_ == 1.0
    np.testing.assert_allclose(m.coef_, LogisticRegression(C=1.0, tol=1e-10).fit(X, y).coef_, atol=1e-5)


def test_copies_of_a_row_do_not_make_a_patient_of_two():
    X = np.repeat(np.random.default_rng(0).normal(size=(6, 2)), [1, 1, 1, 1, 1, 5], axis=0)
    y = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    assert LogisticLearner().fit(X, y).penalty_ == 1.0  # class 1 is one patient


@pytest.mark.parametrize("seed", range(6))
def test_a_weight_of_two_is_two_rows_also_where_a_patient_has_rows_of_both_classes(seed):
    rng = np.random.default_rng(seed)
    X, w = rng.normal(size=(60, 4)), rng.integers(1, 5, 60)
    y, patient = (X[:, 0] + 2 * rng.normal(size=60) > 0).astype(int), rng.integers(0, 15, 60)
    i = np.repeat(np.arange(60), w)
    a = LogisticLearner().fit(X, y, w, groups=patient)
    b = LogisticLearner().fit(X[i], y[i], groups=patient[i])
    assert a.penalty_ == b.penalty_
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-6)


def test_one_class_is_predicted_with_certainty():
    m = LogisticLearner().fit([[0.0], [1.0]], ["ill", "ill"])
    assert m.predict([[5.0]]).tolist() == ["ill"]
    assert m.predict_proba([[5.0]]).tolist() == [[1.0]]


def test_all_weights_zero_is_an_error():
    with pytest.raises(ValueError, match="at least one non-zero"):
        RidgeLearner().fit([[0.0], [1.0]], [0.0, 1.0], sample_weight=[0, 0])


@pytest.mark.slow
def test_a_networks_features_take_seconds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 50)) @ rng.normal(size=(50, 1280)) + rng.normal(size=(1000, 1280))
    y = (X[:, :4] + 5 * rng.normal(size=(1000, 4))).argmax(axis=1)
    start = time.process_time()
    LogisticLearner().fit(X, y)
    assert time.process_time() - start < 8
