from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from medgraft.methods import logistic
from medgraft.methods.logistic import Problem, probabilities, row_loss, solve, tune
from medgraft.methods.splits import inner_folds


def data(k=2, n=60, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    scores = X[:, :1] * np.arange(k) + rng.gumbel(size=(n, k))
    return X, scores.argmax(axis=1), rng.uniform(0.2, 3.0, n)


def naive(problem, w, lam):
    """Minimise the objective as it is written, with a general-purpose optimiser."""
    n, p = problem.X.shape
    m = problem.m

    def objective(flat):
        b = flat.reshape(m, p + 1)
        eta = problem.scores(b)
        eta = np.hstack([np.zeros((n, 1)), eta]) if m == 1 else eta
        loss = -log_softmax(eta, axis=1)[np.arange(n), problem.y]
        penalty = np.sum(b[:, :-1] ** 2) + (0.0 if problem.free_intercept else np.sum(b[:, -1] ** 2))
        return w @ loss + lam / 2 * penalty

    out = minimize(objective, np.zeros(m * (p + 1)), method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    return probabilities(problem.scores(out.x.reshape(m, p + 1)))


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("with_offset", [True, False])
@pytest.mark.parametrize("newton", [True, False])
def test_the_solution_is_the_minimum_of_the_stated_problem(k, free, with_offset, newton, monkeypatch):
    monkeypatch.setattr(logistic, "NEWTON_MAX_FEATURES", 80 if newton else 0)
    X, y, w = data(k)
    m = 1 if k == 2 else k
    offset = np.random.default_rng(1).normal(size=(len(y), m)) if with_offset else None
    problem = Problem(X, y, k, offset, free)
    for lam in (0.3, 10.0):
        beta = solve(problem, w[None], lam, tol=1e-20)[0]
        np.testing.assert_allclose(probabilities(problem.scores(beta)), naive(problem, w, lam), atol=2e-5)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("p", [4, 100])
def test_coefficients_are_those_of_scikit_learn(k, p):
    X, y, w = data(k, n=50, p=p)
    beta = solve(Problem(X, y, k), w[None], 2.0, tol=1e-20)[0]
    other = LogisticRegression(C=0.5, tol=1e-11, max_iter=10000).fit(X, y, w)
    np.testing.assert_allclose(beta[:, :-1], other.coef_, atol=1e-6)
    centre = other.intercept_.mean() if k > 2 else 0.0
    np.testing.assert_allclose(beta[:, -1], other.intercept_ - centre, atol=1e-5)


def test_problems_solved_together_are_as_solved_alone():
    X, y, w = data()
    W = np.stack([w, np.where(np.arange(60) < 40, w, 0.0)])
    together = solve(Problem(X, y, 2), W, 0.1, tol=1e-16)
    for i in range(2):
        np.testing.assert_allclose(
            together[i], solve(Problem(X, y, 2), W[i : i + 1], 0.1, tol=1e-16)[0], rtol=1e-8
        )


def test_separable_rows_with_a_weak_penalty_converge():
    X = np.linspace(-1, 1, 20)[:, None] * 50
    y = (X[:, 0] > 0).astype(int)
    problem = Problem(X, y, 2)
    b = solve(problem, np.ones((1, 20)), 1e-6, tol=1e-16)[0]
    mu = probabilities(problem.scores(b))[:, 1]
    # The gradient must vanish: sum (mu - y) x + lam b = 0.
    assert abs((mu - y) @ X[:, 0] + 1e-6 * b[0, 0]) < 1e-6
    assert abs((mu - y).sum()) < 1e-6


@pytest.mark.parametrize("k", [2, 3])
def test_the_loss_of_a_row_is_its_log_loss(k):
    _, y, w = data(k)
    eta = np.random.default_rng(0).normal(size=(len(y), 1 if k == 2 else k)) * 3
    expected = log_loss(y, probabilities(eta), sample_weight=w)
    np.testing.assert_allclose(w @ row_loss(eta, y) / w.sum(), expected, rtol=1e-12)


@pytest.mark.parametrize("k", [2, 3])
def test_the_penalty_is_the_one_with_the_least_held_out_log_loss(k):
    X, y, w = data(k, n=90)
    fold = inner_folds(np.arange(90), k=3, seed=0, stratum=y)
    lams = np.array([0.1, 1.0, 10.0, 100.0])
    best, losses, _ = tune(Problem(X, y, k), w, fold, lams, tol=1e-12, patience=9)
    brute = []
    for lam in lams[::-1]:
        proba = np.empty((90, k))
        for f in range(3):
            m = LogisticRegression(C=1 / lam, tol=1e-10, max_iter=5000)
            proba[fold == f] = m.fit(X[fold != f], y[fold != f], w[fold != f]).predict_proba(X[fold == f])
        brute.append(log_loss(y, proba, sample_weight=w))
    np.testing.assert_allclose(losses, brute, rtol=1e-5)
    assert best == lams[::-1][int(np.argmin(brute))]


def test_an_infinite_penalty_means_the_offset_alone():
    X, y, w = data()
    offset = np.full((60, 1), 0.7)
    fold = inner_folds(np.arange(60), k=3, seed=0, stratum=y)
    best, losses, start = tune(Problem(X, y, 2, offset, False), w, fold, np.array([np.inf]))
    assert best == np.inf
    assert start is None
    np.testing.assert_allclose(losses[0], w @ row_loss(offset, y) / w.sum())
