"""The cumulative logit model against naive optimisers and its own definition."""

from __future__ import annotations

import numpy as np
import pytest
import skops.io
from scipy.optimize import approx_fprime, minimize
from scipy.special import expit
from sklearn.utils.estimator_checks import check_estimator

from medgraft.methods.learners.cumulative import probabilities, row_loss, solve
from medgraft.methods.learners.ordinal import OrdinalLearner
from medgraft.methods.logistic import Problem, Rotation
from medgraft.methods.logistic import solve as solve_logistic


def stages(n=120, p=4, seed=0, k=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    s = X @ np.linspace(1.5, -0.5, p) + rng.logistic(size=n)
    return X, np.digitize(s, np.linspace(-1.5, 1.5, k - 1))


def chances(eta, cuts):
    """The model as McCullagh writes it."""
    below = expit(cuts - eta[:, None])
    return np.diff(below, prepend=0.0, append=1.0, axis=1)


def naive(X, y, w, lam):
    """Minimise over b and increasing thresholds, by a method that knows no gradient of ours."""
    p, k = X.shape[1], y.max() + 1

    def loss(v):
        chance = chances(X @ v[:p], np.sort(v[p:]))
        return -w @ np.log(chance[np.arange(len(y)), y]) + 0.5 * lam * v[:p] @ v[:p]

    start = np.concatenate([np.zeros(p), np.linspace(-1, 1, k - 1)])
    return minimize(loss, start, method="BFGS", options={"gtol": 1e-7})


@pytest.mark.parametrize("lam", [0.1, 10.0])
def test_the_optimum_is_that_of_a_naive_optimiser(lam):
    X, y = stages()
    w = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    rotated = Rotation.of(X)
    found = solve(rotated, y, w, 4, lam)
    expected = naive(X, y, w, lam)
    np.testing.assert_allclose(rotated.V @ found[:4], expected.x[:4], atol=2e-5)
    np.testing.assert_allclose(found[4:], expected.x[4:], atol=2e-5)


def test_it_is_the_ordered_model_of_statsmodels_without_a_penalty():
    ordered = pytest.importorskip("statsmodels.miscmodels.ordinal_model")
    X, y = stages()
    model = ordered.OrderedModel(y, X, distr="logit").fit(method="bfgs", disp=False, gtol=1e-8)
    rotated = Rotation.of(X)
    found = solve(rotated, y, np.ones(len(y)), 4, 1e-9)
    np.testing.assert_allclose(rotated.V @ found[:4], model.params[:4], atol=1e-4)
    np.testing.assert_allclose(probabilities(X @ model.params[:4], found[4:]), model.predict(X), atol=1e-4)


def test_the_loss_is_the_logarithm_of_the_chances_and_stays_finite_far_out():
    X, y = stages()
    cuts, eta = np.array([-1.0, 0.2, 2.0]), 1.3 * X[:, 0]
    expected = chances(eta, cuts)
    np.testing.assert_allclose(probabilities(eta, cuts), expected, rtol=1e-10)
    np.testing.assert_allclose(row_loss(eta, cuts, y), -np.log(expected[np.arange(len(y)), y]), rtol=1e-10)
    far = row_loss(np.array([300.0, -300.0]), cuts, np.array([0, 3]))
    np.testing.assert_allclose(far, [301.0, 302.0], rtol=1e-12)


def test_two_levels_are_logistic_regression():
    X, y = stages(k=2)
    rotated = Rotation.of(X)
    found = solve(rotated, y, np.ones(len(y)), 2, 1.0)
    beta = solve_logistic(Problem(X, y, 2), np.ones((1, len(y))), 1.0, tol=1e-20)[0, 0]
    np.testing.assert_allclose(rotated.V @ found[:4], beta[:-1], atol=1e-6)
    np.testing.assert_allclose(-found[4], beta[-1], atol=1e-6)


def test_at_the_optimum_the_gradient_is_zero_with_more_features_than_rows():
    X, y = stages(n=30, p=60)
    rotated = Rotation.of(X)
    found = solve(rotated, y, np.ones(30), 4, 1.0)
    b, cuts = rotated.V @ found[:-3], found[-3:]

    def loss(v):
        return row_loss(X @ v[:60], v[60:], y).sum() + 0.5 * v[:60] @ v[:60]

    gradient = approx_fprime(np.concatenate([b, cuts]), loss, 1e-6)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-3)


def test_reversing_the_order_of_the_levels_mirrors_the_model():
    X, y = stages()
    p = OrdinalLearner().fit(X, y).predict_proba(X)
    q = OrdinalLearner().fit(X, 3 - y).predict_proba(X)
    np.testing.assert_allclose(q[:, ::-1], p, atol=1e-4)


def test_the_order_of_rows_and_copies_against_weights_change_nothing():
    X, y = stages()
    w = np.random.default_rng(2).integers(1, 3, len(y))
    a = OrdinalLearner().fit(X, y, sample_weight=w).predict_proba(X)
    order = np.random.default_rng(3).permutation(np.repeat(np.arange(len(y)), w))
    b = OrdinalLearner().fit(X[order], y[order]).predict_proba(X)
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_levels_keep_their_order_whatever_codes_they_have_and_the_nearer_is_likelier():
    X, y = stages()
    model = OrdinalLearner().fit(X, 10 * y + 5)
    assert model.classes_.tolist() == [5, 15, 25, 35]
    far = np.linspace(-60, 60, 50)[:, None] * model.coef_ / np.linalg.norm(model.coef_)
    assert (np.diff(model.predict(far)) >= 0).all()
    assert set(model.predict(far)[[0, -1]]) == {5, 35}


def test_what_is_saved_predicts_the_same_to_the_last_bit():
    X, y = stages()
    model = OrdinalLearner().fit(X, y, groups=np.arange(len(y)) // 2)
    data = skops.io.dumps(model)
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_scikit_learn_accepts_it():
    failed = [
        r["check_name"]
        for r in check_estimator(OrdinalLearner(penalties=[1.0]), on_fail=None)
        if r["status"] == "failed"
    ]
    assert failed == []
