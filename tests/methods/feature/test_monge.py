"""The linear Monge map: closed forms, and what it must do to means and covariances."""

from __future__ import annotations

import numpy as np

from medgraft.methods.feature.covariance import Covariance
from medgraft.methods.feature.monge import LinearMonge, monge_map


def two(seed=0, n=200, p=4):
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=p) for _ in range(2))
    ones = np.ones(n)
    return a, Covariance.of(a, ones, 0.05), Covariance.of(b, ones, 0.05)


def test_the_map_is_symmetric_positive_and_gives_the_target_s_covariance():
    _, s, t = two()
    A = monge_map(s, t)
    Cs, Ct = s.power(np.eye(4), 1.0), t.power(np.eye(4), 1.0)
    np.testing.assert_allclose(A, A.T, atol=1e-12)
    assert np.linalg.eigvalsh(A).min() > 0
    np.testing.assert_allclose(A @ Cs @ A, Ct, atol=1e-8)


def test_it_is_the_gradient_map_of_the_gaussian_transport_cost():
    """Its cost is the squared Bures-Wasserstein distance tr(Cs + Ct - 2 (Cs^1/2 Ct Cs^1/2)^1/2)."""
    _, s, t = two(1)
    A = monge_map(s, t)
    Cs, Ct = s.power(np.eye(4), 1.0), t.power(np.eye(4), 1.0)
    half = s.power(np.eye(4), 0.5)
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(half @ Ct @ half), 0)).sum()
    cost = np.trace((np.eye(4) - A) @ Cs @ (np.eye(4) - A))
    np.testing.assert_allclose(cost, np.trace(Cs + Ct) - 2 * root, rtol=1e-9)


def test_equal_sides_are_not_moved_and_commuting_covariances_only_rescaled():
    _, s, _ = two()
    np.testing.assert_allclose(monge_map(s, s), np.eye(4), atol=1e-9)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 1))
    narrow, wide = Covariance.of(x, np.ones(500), 0.0), Covariance.of(3 * x, np.ones(500), 0.0)
    np.testing.assert_allclose(monge_map(narrow, wide), [[3.0]], rtol=1e-9)


def test_the_learner_sees_source_rows_with_the_target_s_moments():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(300, 2)) * [5.0, 1.0] + [9.0, 0.0], rng.normal(size=(300, 2))])
    domain = np.repeat(["s", "t"], 300)
    seen = {}

    class Spy(LinearMonge):
        def _learn(self, Z, rows, where, weight=None):
            seen["s"], seen["t"] = Z[rows.source], Z[rows.target]
            super()._learn(Z, rows, where, weight)

    Spy(task="regression").fit(X, X[:, 0], domain=domain, target="t", labelled=domain == "s")
    np.testing.assert_allclose(seen["s"].mean(axis=0), seen["t"].mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(np.cov(seen["s"].T), np.cov(seen["t"].T), atol=0.1)  # but for the shrinkage
