from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.svm import LinearSVC

from medgraft.methods.learners.fourier import directions, features
from medgraft.methods.learners.svm import EPSILON, SVMLearner, margins, residual, solve


def rows(n=120, p=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, np.where((X**2).sum(axis=1) + 0.3 * rng.normal(size=n) < p, 1.0, -1.0)


def test_random_features_are_the_gaussian_kernel_within_their_error():
    X = np.random.default_rng(0).normal(size=(40, 6))
    far = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    for gamma in (0.02, 0.2):
        F = features(X, directions(6, 4000, 1) * np.sqrt(2 * gamma))
        assert np.abs(F @ F.T - np.exp(-gamma * far)).max() < 0.06
        np.testing.assert_allclose((F**2).sum(axis=1), 1.0)


def test_directions_are_orthogonal_in_blocks_with_lengths_of_normal_vectors():
    W = directions(4, 4 * 500, 0)
    G = W[:, :4].T @ W[:, :4]
    np.testing.assert_allclose(G - np.diag(np.diag(G)), 0.0, atol=1e-12)
    assert abs((W**2).sum(axis=0).mean() / 4 - 1) < 0.05


@pytest.mark.parametrize("C", [0.1, 10.0])
def test_the_machine_is_the_optimum_that_a_general_solver_finds(C):
    X, y = rows()
    coef = solve(X, y[:, None], np.full(120, C), False)[:, 0]
    M = X @ coef[:-1] + coef[-1]
    # The gradient of the convex objective vanishes at the optimum, written out here once more.
    slack = np.maximum(0, 1 - y * M)
    grad = coef[:-1] - 2 * C * X.T @ (y * slack)
    assert np.abs(grad).max() < 1e-8 * C * 120 and abs((y * slack).sum()) < 1e-6
    # liblinear penalises the intercept; a large scale of it makes that vanish.
    other = LinearSVC(C=C, dual=False, intercept_scaling=1e3, tol=1e-12, max_iter=10**6).fit(X, y)
    np.testing.assert_allclose(coef, np.append(other.coef_[0], other.intercept_), atol=1e-4)


def test_the_regression_is_the_optimum_of_the_squared_insensitive_loss():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 3))
    y = X @ [1.0, -0.5, 0.0] + 0.4 * rng.normal(size=80) + 0.2
    w = rng.uniform(0.5, 2.0, 80)
    coef = solve(X, y[:, None], w, True)[:, 0]

    def naive(v):
        gap = np.maximum(np.abs(y - X @ v[:-1] - v[-1]) - EPSILON, 0)
        return 0.5 * v[:-1] @ v[:-1] + (w * gap**2).sum()

    found = minimize(naive, np.zeros(4), method="BFGS", options={"gtol": 1e-10})
    assert naive(coef) <= found.fun + 1e-9
    np.testing.assert_allclose(coef, found.x, atol=1e-4)


def test_a_residual_is_zero_on_the_right_side_of_the_margin():
    M, T = np.array([[2.0], [0.5], [-1.0]]), np.array([[1.0], [1.0], [1.0]])
    np.testing.assert_allclose(residual(M, T, False), [[0.0], [-0.5], [-2.0]])
    np.testing.assert_allclose(residual(np.array([[0.05], [1.0]]), np.zeros((2, 1)), True), [[0.0], [0.9]])


def test_given_cost_and_width_are_used_and_the_chosen_ones_are_of_the_grid():
    X, y = rows()
    a = SVMLearner(C=3.0, gamma=0.7, features=64).fit(X, y)
    assert (a.C_, a.gamma_) == (3.0, 0.7)
    b = SVMLearner(features=64).fit(X, y)
    assert b.C_ in (0.1, 1.0, 10.0, 100.0) and round(b.gamma_ * 6, 9) in (0.25, 1.0, 4.0)


def test_more_classes_are_one_machine_each_against_the_rest():
    X, _ = rows(150)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    m = SVMLearner(C=1.0, gamma=0.3, features=64).fit(X, y)
    F = features((X - m.mean_) / m.scale_, m.frequencies_)
    turn = np.argsort(m.place_)  # the learner numbers classes by its rows
    for k in range(3):
        T = np.where(y == k, 1.0, -1.0)[:, None]
        alone = solve(F, T, np.ones(150), False)
        np.testing.assert_allclose(margins(F, m.coef_)[:, turn[k]], margins(F, alone)[:, 0], atol=1e-5)


def test_probabilities_rise_with_the_margin_and_patients_stay_whole():
    X, y = rows(200)
    m = SVMLearner(features=64).fit(X, y)
    margin = margins(features((X - m.mean_) / m.scale_, m.frequencies_), m.coef_)[:, 0]
    p = m.predict_proba(X)[:, int(m.place_[1])]
    assert (np.diff(p[np.argsort(margin)]) >= -1e-12).all()
    # Copies with noise of a few patients with random labels: only leaking splits make that look learnable.
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(40), 8)
    Z = rng.normal(size=(40, 5))[who] + 0.01 * rng.normal(size=(320, 5))
    random = rng.integers(0, 2, 40)[who]
    fresh = rng.normal(size=(300, 5))
    torn = SVMLearner(features=128).fit(Z, random).predict_proba(fresh)
    whole = SVMLearner(features=128).fit(Z, random, groups=who).predict_proba(fresh)
    assert np.abs(whole - 0.5).mean() < 0.5 * np.abs(torn - 0.5).mean()
