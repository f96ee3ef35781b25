"""The penalised fits against scikit-learn, their optimality conditions and naive loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LogisticRegression

from medgraft.methods.model.lasso import L1Problem, fit_l1, held_out


def values(n=80, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ np.r_[2.0, -1.0, np.zeros(p - 2)] + 0.5 * rng.normal(size=n) + 3.0


@pytest.mark.parametrize("lam", [0.01, 0.1, 0.5])
def test_the_linear_fit_is_scikit_learn_s_lasso(lam):
    X, y = values()
    w = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    beta = fit_l1(L1Problem(X, y, 0), w, lam)[0]
    peer = Lasso(alpha=lam, tol=1e-12, max_iter=100_000).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(beta[:-1], peer.coef_, atol=1e-6)
    assert beta[-1] == pytest.approx(peer.intercept_, abs=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_the_fit_for_classes_meets_the_conditions_of_an_optimum(k):
    X, score = values(150, 6)
    y = np.digitize(score, np.quantile(score, np.arange(1, k) / k))
    lam, w = 0.03, np.ones(len(y))
    problem = L1Problem(X, y, k)
    beta = fit_l1(problem, w, lam)
    gradient = (problem.mean(problem.scores(beta).T).T - problem.aim).T @ X / len(y)
    slopes = beta[:, :-1]
    on = slopes != 0
    assert on.any()
    assert not on.all()
    np.testing.assert_allclose(gradient[on], -lam * np.sign(slopes[on]), atol=1e-6)
    assert (np.abs(gradient[~on]) <= lam + 1e-6).all()


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_rare_classes_meet_the_conditions_of_an_optimum_and_agree_with_saga(share):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8))
    score = X @ np.r_[1.0, -1.0, np.zeros(6)] + rng.logistic(size=600)
    y = (score > np.quantile(score, share)).astype(int)
    lam, problem = 0.005, L1Problem(X, y, 2)
    beta = fit_l1(problem, np.ones(600), lam)
    rest = problem.mean(problem.scores(beta).T)[0] - y
    gradient, on = X.T @ rest / 600, beta[0, :-1] != 0
    assert abs(rest.mean()) < 2e-8  # the intercept is free
    np.testing.assert_allclose(gradient[on], -lam * np.sign(beta[0, :-1][on]), atol=2e-8)
    assert (np.abs(gradient[~on]) <= lam + 2e-8).all()
    peer = LogisticRegression(l1_ratio=1.0, solver="saga", C=1 / (lam * 600), tol=1e-12, max_iter=100_000)
    peer.fit(X, y)
    np.testing.assert_allclose(beta[0], np.r_[peer.coef_[0], peer.intercept_], atol=1e-5)


def test_the_intercept_of_a_class_without_weight_stays_finite():
    X, score = values()
    y = (score > np.median(score)).astype(int)
    beta = fit_l1(L1Problem(X, y, 2), (y == 1).astype(float), 0.05)
    assert np.isfinite(beta).all()
    assert (beta[0, :-1] == 0).all()
    assert 5 < beta[0, -1] < 15  # where sigmoid(-c) = 1e-5 c, from the ridge that holds it


def test_no_feature_enters_at_the_largest_penalty_and_one_does_just_below():
    X, y = values()
    problem, w = L1Problem(X, y, 0), np.ones(len(y))
    top = problem.largest(w)
    assert (fit_l1(problem, w, top * 1.0001)[0, :-1] == 0).all()
    assert np.count_nonzero(fit_l1(problem, w, top * 0.99)[0, :-1]) == 1


def test_known_scores_are_added_and_not_fitted():
    X, y = values()
    known = np.random.default_rng(2).normal(size=(len(y), 1))
    w = np.ones(len(y))
    a = fit_l1(L1Problem(X, y, 0, known), w, 0.05)
    b = fit_l1(L1Problem(X, y - known[:, 0], 0), w, 0.05)
    np.testing.assert_allclose(a, b, atol=1e-7)


def test_held_out_losses_are_those_of_a_plain_loop_over_folds():
    X, y = values()
    w = np.random.default_rng(3).uniform(0.5, 2.0, len(y))
    fold = np.arange(len(y)) % 3
    fold[:10] = -1  # always in training
    path = held_out(L1Problem(X, y, 0), w, fold, tol=1e-10)
    for lam, row in zip(path.lams[:6], path.losses[:6], strict=True):
        for f in range(3):
            train, test = fold != f, fold == f
            peer = Lasso(alpha=lam, tol=1e-12, max_iter=100_000).fit(X[train], y[train], w[train])
            error = 0.5 * (y[test] - peer.predict(X[test])) ** 2
            assert row[f] == pytest.approx(w[test] @ error / w[test].sum(), rel=1e-5)
