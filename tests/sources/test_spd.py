"""The mean of matrices: closed forms, invariances, pyRiemann."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import logm, sqrtm

from medgraft.base import MedgraftError
from medgraft.sources.spd import check_spd, frechet_mean, inverse_root, log_spd


def matrices(n=12, C=4, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, C, 3 * C)) * np.arange(1, C + 1)[:, None]
    return X @ X.swapaxes(1, 2)


def test_the_mean_of_matrices_that_commute_is_the_geometric_one():
    d = np.random.default_rng(0).uniform(0.1, 10, size=(7, 3))
    Q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    S = np.array([Q @ np.diag(v) @ Q.T for v in d])
    truth = Q @ np.diag(np.exp(np.log(d).mean(axis=0))) @ Q.T
    np.testing.assert_allclose(frechet_mean(S), truth, rtol=1e-8)


def test_the_mean_of_two_is_the_middle_of_their_geodesic():
    A, B = matrices(2)
    root = np.real(sqrtm(A))
    inner = np.linalg.inv(root)
    truth = root @ np.real(sqrtm(inner @ B @ inner)) @ root
    np.testing.assert_allclose(frechet_mean(np.array([A, B])), truth, rtol=1e-7)


def test_the_mean_goes_along_with_any_change_of_coordinates_and_with_inversion():
    S, W = matrices(), np.random.default_rng(5).normal(size=(4, 4))
    M = frechet_mean(S)
    np.testing.assert_allclose(frechet_mean(W @ S @ W.T), W @ M @ W.T, rtol=1e-6)
    np.testing.assert_allclose(frechet_mean(np.linalg.inv(S)), np.linalg.inv(M), rtol=1e-6, atol=1e-12)


def test_the_mean_of_matrices_far_apart_is_found():
    S = matrices(5) * np.logspace(-8, 8, 5)[:, None, None]
    M = frechet_mean(S)
    inner = inverse_root(M)
    assert np.linalg.norm(sum(np.real(logm(inner @ s @ inner)) for s in S)) < 1e-5


def test_functions_of_matrices_are_scipys():
    S = matrices(1)[0]
    np.testing.assert_allclose(log_spd(S), logm(S), atol=1e-10)
    np.testing.assert_allclose(inverse_root(S), np.linalg.inv(sqrtm(S)), atol=1e-10)


def test_a_singular_matrix_is_refused_with_its_rank():
    v = np.arange(1.0, 4.0)
    with pytest.raises(MedgraftError, match="rank 1 of 3"):
        check_spd(np.outer(v, v))
    with pytest.raises(MedgraftError, match="rank 0 of 3"):
        check_spd(np.zeros((3, 3)))


def test_the_mean_is_pyriemanns():
    mean = pytest.importorskip("pyriemann.utils.mean", reason="pyRiemann is not installed")
    S = matrices(20, 6)
    np.testing.assert_allclose(frechet_mean(S), mean.mean_riemann(S, tol=1e-12, maxiter=200), rtol=1e-7)
