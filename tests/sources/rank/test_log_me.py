"""LogME against the evidence it is defined by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from medgraft.base import MedgraftError
from medgraft.sources.rank.log_me import log_me


def evidence(F, y, alpha, beta):
    """The paper's formula, term by term."""
    n, d = F.shape
    A = alpha * np.eye(d) + beta * F.T @ F
    m = beta * np.linalg.solve(A, F.T @ y)
    log = n / 2 * np.log(beta) + d / 2 * np.log(alpha) - n / 2 * np.log(2 * np.pi)
    log -= beta / 2 * np.sum((F @ m - y) ** 2) + alpha / 2 * m @ m
    return log - np.linalg.slogdet(A)[1] / 2


def fixed_point(F, y, steps=3000):
    """The paper's iteration."""
    alpha = beta = 1.0
    s2 = np.linalg.eigvalsh(F.T @ F).clip(0)
    for _ in range(steps):
        m = beta * np.linalg.solve(alpha * np.eye(F.shape[1]) + beta * F.T @ F, F.T @ y)
        gamma = np.sum(beta * s2 / (alpha + beta * s2))
        alpha, beta = gamma / (m @ m), (len(y) - gamma) / np.sum((F @ m - y) ** 2)
    return evidence(F, y, alpha, beta) / len(y)


def optimised(F, y):
    n = len(y)

    def loss(x):
        cov = np.eye(n) * np.exp(-x[1]) + F @ F.T * np.exp(-x[0])
        return -multivariate_normal(np.zeros(n), cov).logpdf(y) / n

    starts = [(a, b) for a in (-2, 1, 4) for b in (0, 3)]
    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000}
    return max(-minimize(loss, s, method="Nelder-Mead", options=options).fun for s in starts)


def test_the_score_is_the_marginal_likelihood_at_its_maximum(labelled):
    F, y = labelled
    one_hot = np.eye(y.max() + 1)[y]
    truth = np.mean([optimised(F, t) for t in one_hot.T])
    assert log_me(F, y) == pytest.approx(truth, abs=1e-8)


def test_the_papers_formula_is_the_marginal_likelihood(labelled):
    F, y = labelled
    gauss = multivariate_normal(np.zeros(len(y)), np.eye(len(y)) / 2 + F @ F.T / 3)
    assert evidence(F, y, 3.0, 2.0) == pytest.approx(gauss.logpdf(y), abs=1e-8)


def test_the_papers_iteration_ends_at_the_score():
    F, y = np.random.default_rng(1).normal(size=(60, 5)), np.arange(60) % 2
    F[:, 0] += y
    truth = np.mean([fixed_point(F, t) for t in np.eye(2)[y].T])
    assert log_me(F, y) == pytest.approx(truth, abs=1e-8)


def test_values_are_standardised(labelled):
    F, _ = labelled
    v = F[:, 0] * 2 + np.random.default_rng(2).normal(size=len(F)) + 100
    t = (v - v.mean()) / v.std()
    assert log_me(F, v, task="regression") == pytest.approx(optimised(F, t), abs=1e-8)
    assert log_me(F, -7 * v + 3, task="regression") == pytest.approx(
        log_me(F, v, task="regression"), abs=1e-9
    )


def test_features_that_say_nothing_score_as_the_label_without_them():
    y = np.arange(40) % 2
    F = np.random.default_rng(0).normal(size=(40, 3))
    F -= np.eye(2)[y] @ np.linalg.lstsq(np.eye(2)[y], F, rcond=None)[0]  # orthogonal to both labels
    nothing = -0.5 * (np.log(2 * np.pi * 0.5) + 1)
    assert log_me(F, y) == pytest.approx(nothing, abs=1e-8)
    assert log_me(np.zeros((40, 3)), y) == pytest.approx(nothing, abs=1e-12)


def test_features_that_hold_the_label_have_finite_evidence():
    y = np.arange(40) % 2
    held = log_me(np.eye(2)[y], y)
    assert np.isfinite(held)
    assert held > log_me(np.eye(2)[y] + np.random.default_rng(0).normal(0, 0.01, (40, 2)), y)


def test_an_unknown_task_is_said():
    with pytest.raises(MedgraftError, match="knows no task 'ordinal'"):
        log_me(np.ones((4, 1)), [0, 1, 0, 1], task="ordinal")
