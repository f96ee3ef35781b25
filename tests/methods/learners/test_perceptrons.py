from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime, least_squares

from medgraft.methods.learners.base import Lesson
from medgraft.methods.learners.lm import lm_step, minimise_squares
from medgraft.methods.learners.lm_mlp import LMMLPLearner, axes, normal, squares
from medgraft.methods.learners.mlp import MLPLearner
from medgraft.methods.learners.perceptron import Perceptron

NETS = [Perceptron(3, 4, 3, True), Perceptron(3, 4, 2, True), Perceptron(3, 4, 1, False)]
every_net = pytest.mark.parametrize("net", NETS, ids=["three", "two", "value"])


def lesson(net, n=30, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, net.p))
    y = rng.integers(0, net.m, n) if net.softmax else np.tanh(Z[:, 0]) + 0.1 * rng.normal(size=n)
    return Lesson(Z, y, rng.uniform(0.5, 2.0, n), np.arange(n), net.m if net.softmax else 0)


@every_net
def test_the_gradient_is_that_of_finite_differences(net):
    d, theta = lesson(net), net.start(1) + 0.1
    got = net.loss(theta, d.Z, d.targets, d.weight, 0.7)[1]
    expected = approx_fprime(theta, lambda v: net.loss(v, d.Z, d.targets, d.weight, 0.7)[0], 1e-6)
    np.testing.assert_allclose(got, expected, atol=2e-4)


@every_net
def test_the_jacobian_is_that_of_finite_differences(net):
    Z, theta = lesson(net, 7).Z, net.start(2) + 0.1
    got = net.jacobian(theta, Z)
    step = 1e-6 * np.eye(net.size)
    expected = np.stack(
        [(net.outputs(theta + s, Z) - net.outputs(theta - s, Z)) / 2e-6 for s in step], axis=2
    )
    np.testing.assert_allclose(got, expected, atol=1e-8)


@every_net
def test_normal_equations_are_those_of_the_stacked_residuals(net, monkeypatch):
    d, theta = lesson(net), net.start(3)
    J = (net.jacobian(theta, d.Z) * np.sqrt(d.weight)[:, None, None]).reshape(-1, net.size)
    r = ((net.outputs(theta, d.Z) - d.targets) * np.sqrt(d.weight)[:, None]).ravel()
    more = np.diag(np.sqrt(0.3 * net.free))
    J, r = np.vstack([J, more]), np.append(r, more @ theta)
    monkeypatch.setattr("medgraft.methods.learners.lm_mlp.BLOCK", 4 * net.m * net.size)  # several blocks
    half, JJ, g = normal(net, theta, d, 0.3)
    assert abs(half - 0.5 * r @ r) < 1e-10
    np.testing.assert_allclose(JJ, J.T @ J, atol=1e-10)
    np.testing.assert_allclose(g, J.T @ r, atol=1e-10)
    # The step is the least-squares answer of the damped, stacked system.
    stacked = np.vstack([J, np.sqrt(0.01) * np.eye(net.size)])
    expected = np.linalg.lstsq(stacked, np.append(r, np.zeros(net.size)), rcond=None)[0]
    np.testing.assert_allclose(lm_step(JJ, g, 0.01), expected, atol=1e-8)


def test_the_minimum_is_that_of_minpacks_levenberg_marquardt():
    net = Perceptron(1, 2, 1, False)
    rng = np.random.default_rng(0)
    Z = np.linspace(-2, 2, 40)[:, None]
    y = np.tanh(1.5 * Z[:, 0] - 0.5) - 0.6 * np.tanh(-Z[:, 0] + 1) + 0.01 * rng.normal(size=40)
    d = Lesson(Z, y, np.ones(40), np.arange(40), 0)
    start = net.start(1)
    got = minimise_squares(
        lambda v: normal(net, v, d), lambda v: squares(net, v, d), start, steps=2000, tol=1e-9
    )
    other = least_squares(
        lambda v: net.outputs(v, Z)[:, 0] - y, start, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14,
        max_nfev=10**5,
    )  # fmt: skip
    assert abs(squares(net, got, d) - other.cost) < 1e-7 * other.cost + 1e-9
    np.testing.assert_allclose(net.outputs(got, Z), net.outputs(other.x, Z), atol=1e-4)


def test_rosenbrocks_valley_is_followed_to_its_end_and_squares_never_rise():
    seen = []

    def parts(v):
        r = np.array([10 * (v[1] - v[0] ** 2), 1 - v[0]])
        J = np.array([[-20 * v[0], 10.0], [-1.0, 0.0]])
        return r, J

    def half(v):
        return 0.5 * float(parts(v)[0] @ parts(v)[0])

    def all_of(v):
        r, J = parts(v)
        seen.append(half(v))
        return half(v), J.T @ J, J.T @ r

    found = minimise_squares(all_of, half, np.array([-1.2, 1.0]))
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-8)
    assert (np.diff(seen) < 0).all()


def test_principal_axes_decorrelate_and_do_not_depend_on_signs():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
    Z -= Z.mean(axis=0)
    d = Lesson(Z, np.zeros(50), np.ones(50), np.arange(50), 0)
    T = Z @ axes(d, 3)
    C = T.T @ T / 50
    np.testing.assert_allclose(C - np.diag(np.diag(C)), 0.0, atol=1e-10)
    assert abs(C[0, 0] - 1) < 1e-10 and (np.diff(np.diag(C)) <= 0).all()
    wide = Lesson(Z[:3], np.zeros(3), np.ones(3), np.arange(3), 0)
    assert axes(wide, 3).shape[1] <= 3


def test_training_stops_by_held_out_patients_before_it_fits_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 6)), rng.integers(0, 2, 120)
    p = LMMLPLearner(penalty=0.0, hidden=12).fit(X, y).predict_proba(X)
    assert -np.log(p[np.arange(120), y]).mean() > 0.5  # the labels are noise: 0 would be learnt by heart


def test_the_network_of_a_huge_penalty_predicts_the_shares_of_the_classes():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), np.repeat([0, 1], [60, 20])
    np.testing.assert_allclose(MLPLearner(penalty=1e6).fit(X, y).predict_proba(X)[:, 1], 0.25, atol=1e-3)


def test_the_penalty_is_the_one_of_least_held_out_loss():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    noise = MLPLearner(task="regression").fit(X, rng.normal(size=100))
    clear = MLPLearner(task="regression").fit(X, np.tanh(2 * X[:, 0]) * X[:, 1])
    assert clear.penalty_ < noise.penalty_


def test_with_more_columns_than_rows_the_optimum_is_found_in_the_span_of_the_rows():
    net = Perceptron(40, 4, 3, True)
    d = lesson(net, n=12)
    model = MLPLearner(hidden=4, penalty=1.0, iterations=3000)
    model.shape_ = (40, 4, 3, True)
    theta = model._solve(d, 1.0)
    loss, gradient = net.loss(theta, d.Z, d.targets, d.weight, 1.0)
    assert np.abs(gradient).max() < 1e-3 * abs(
        loss
    )  # stationary among all weights, not only those of the span
    outside = np.eye(40) - np.linalg.pinv(d.Z) @ d.Z
    np.testing.assert_allclose(outside @ net.layers(theta)[0][:-1], 0.0, atol=1e-10)
