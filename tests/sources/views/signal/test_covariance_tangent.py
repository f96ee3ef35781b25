"""The tangent view: scipy's logarithm, distances, pyRiemann."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import logm

from medgraft.cohort.media import Signal
from medgraft.sources.views.signal.covariance_tangent import CovarianceTangent


def signal(seed, channels=4):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(channels, channels)) @ rng.normal(size=(channels, 300)) + 3
    return Signal(X.astype(np.float32), 100.0, tuple("abcdefgh"[:channels]), ("uV",) * channels)


def log_covariance(s, g=0.0):
    S = np.cov(s.values.astype(float), bias=True)
    return logm((1 - g) * S + g * np.trace(S) / len(S) * np.eye(len(S)))


def test_numbers_are_the_upper_triangle_of_scipys_logarithm_row_by_row():
    s = signal(0)
    for g in (0.0, 0.1):
        L = log_covariance(s, g)
        truth = [L[i, j] * (1 if i == j else np.sqrt(2)) for i in range(4) for j in range(i, 4)]
        np.testing.assert_allclose(CovarianceTangent(shrinkage=g)(s), truth, rtol=1e-4, atol=1e-5)


def test_distances_between_rows_are_log_euclidean_ones():
    a, b = signal(0), signal(1)
    made = CovarianceTangent(shrinkage=0)
    apart = np.linalg.norm(made(a).astype(float) - made(b))
    assert apart == pytest.approx(np.linalg.norm(log_covariance(a) - log_covariance(b)), rel=1e-5)


def test_a_channel_twice_as_large_adds_the_logarithm_of_four_to_its_own_entry_alone():
    x = np.array([[1, -1, 1, -1], [1, 1, -1, -1]], np.float32)  # uncorrelated
    made = CovarianceTangent(shrinkage=0)
    one, two = (Signal(x * np.array([[k], [1]]), 1.0, ("a", "b"), ("", "")) for k in (1, 2))
    np.testing.assert_allclose(made(two) - made(one), [np.log(4), 0, 0], atol=1e-6)


def test_an_average_reference_is_held_by_the_shrinkage():
    s = signal(0)
    X = s.values - s.values.mean(axis=0)
    row = CovarianceTangent()(Signal(X, s.rate, s.channels, s.units))
    assert np.isfinite(row).all()


def test_the_tangent_at_the_identity_is_pyriemanns():
    tangentspace = pytest.importorskip("pyriemann.utils.tangentspace", reason="pyRiemann is not installed")
    s = signal(2)
    S = np.cov(s.values.astype(float), bias=True)
    truth = tangentspace.tangent_space(S[None], np.eye(4), metric="riemann")[0]
    np.testing.assert_allclose(CovarianceTangent(shrinkage=0)(s), truth, rtol=1e-4, atol=1e-5)
