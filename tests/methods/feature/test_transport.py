from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from medgraft.methods.feature.transport import LEAST, grouped, objective, sinkhorn


def problem(n=12, m=9, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(0.5, 2, n), rng.uniform(0.5, 2, m)
    C = cdist(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1, "sqeuclidean")
    return a / a.sum(), b / b.sum(), C / C.mean()


@pytest.mark.parametrize("reg", [0.5, 0.05, 0.005])
def test_the_plan_has_the_marginals_and_agrees_with_plain_scaling(reg):
    a, b, C = problem()
    T, _ = sinkhorn(a, b, C, reg)
    np.testing.assert_allclose(T.sum(axis=1), a, atol=1e-9)
    np.testing.assert_allclose(T.sum(axis=0), b, atol=1e-8)
    K, u, v = np.exp(-C / reg), np.ones(12), np.ones(9)
    for _ in range(50_000):
        u = a / (K @ v)
        v = b / (K.T @ u)
    np.testing.assert_allclose(T, u[:, None] * K * v, atol=1e-7)


def test_costs_too_large_for_plain_scaling_are_no_obstacle():
    a, b, C = problem()
    assert (np.exp(-1e3 * C / 0.05).sum(axis=1) == 0).any()  # plain scaling divides by zero
    T, _ = sinkhorn(a, b, 1e3 * C, 5.0)
    np.testing.assert_allclose(T.sum(axis=0), b, atol=1e-6)
    T, _ = sinkhorn(a, b, 1e3 * C, 0.05)
    assert np.isfinite(T).all()
    np.testing.assert_allclose(T.sum(), 1.0, rtol=1e-9)


def test_with_little_smoothing_the_plan_is_the_best_assignment():
    rng = np.random.default_rng(1)
    C = cdist(rng.normal(size=(30, 2)), rng.normal(size=(30, 2)), "sqeuclidean")
    w = np.full(30, 1 / 30)
    T, _ = sinkhorn(w, w, C, 0.01)
    i, j = linear_sum_assignment(C)
    assert (T * C).sum() == pytest.approx(C[i, j].mean(), rel=0.02)


def test_the_penalised_plan_agrees_with_the_papers_rounds_written_naively():
    a, b, C = problem()
    group, reg, eta = np.array([0, 1, 2] * 3 + [-1] * 3), 0.2, 0.3

    def scaled(cost):
        K, u, v = np.exp(-cost / reg), np.ones(12), np.ones(9)
        for _ in range(20_000):
            u = a / (K @ v)
            v = b / (K.T @ u)
        return u[:, None] * K * v

    T = scaled(C)
    for _ in range(4):
        W = np.zeros((12, 9))
        for i in range(12):
            for j in range(9):
                if group[i] >= 0:
                    share = sum(T[k, j] for k in range(12) if group[k] == group[i]) / b[j]
                    W[i, j] = 0.5 * (share + LEAST) ** -0.5
        T = scaled(C + eta * W)
    np.testing.assert_allclose(grouped(a, b, C, group, reg, eta, most=4), T, atol=1e-7)


def test_the_objective_never_rises_and_the_end_is_stationary():
    a, b, C = problem(20, 15)
    group = np.arange(20) % 3
    values = [
        objective(grouped(a, b, C, group, 0.1, 0.4, most=k), b, C, group, 0.1, 0.4) for k in range(0, 12)
    ]
    assert (np.diff(values) < 1e-9).all()
    assert values[-1] < values[0] - 1e-3
    T = grouped(a, b, C, group, 0.1, 0.4, most=500)
    best = objective(T, b, C, group, 0.1, 0.4)
    rng = np.random.default_rng(0)
    for _ in range(50):  # small moves that keep the marginals
        i, k = rng.choice(20, 2, replace=False)
        j, m = rng.choice(15, 2, replace=False)
        D = np.zeros_like(T)
        D[i, j] = D[k, m] = 1.0
        D[i, m] = D[k, j] = -1.0
        t = 1e-3 * min(T[i, j], T[k, m], T[i, m], T[k, j])
        for sign in (1, -1):
            assert objective(T + sign * t * D, b, C, group, 0.1, 0.4) > best - 1e-9 * t - 1e-13


def test_with_the_penalty_a_target_row_receives_from_fewer_classes():
    a, b, C = problem(20, 15)
    group = np.arange(20) % 2

    def mixed(eta):
        T = grouped(a, b, C, group, 0.1, eta)
        share = T[group == 0].sum(axis=0) / T.sum(axis=0)
        return float(b @ np.minimum(share, 1 - share))

    assert mixed(0.4) < 0.5 * mixed(0.0)
