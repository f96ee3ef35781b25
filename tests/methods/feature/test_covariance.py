from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf as theirs

from medgraft.methods.feature.covariance import FLOOR, Covariance


def dense(c):
    p = len(c.mean)
    return c.V @ np.diag(c.values) @ c.V.T + c.rest * (np.eye(p) - c.V @ c.V.T)


@pytest.mark.parametrize("shape", [(50, 4), (20, 30), (12, 200)])
def test_the_shrinkage_is_ledoit_and_wolfs(shape):
    X = np.random.default_rng(0).normal(size=shape) @ np.diag(np.linspace(1, 3, shape[1])) + 5
    cov, g = theirs(X)
    c = Covariance.of(X, np.ones(len(X)))
    assert c.shrinkage == pytest.approx(g, rel=1e-6)
    np.testing.assert_allclose(dense(c), cov, rtol=1e-6, atol=1e-9)


def test_weights_count_rows():
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(25, 6)), rng.integers(1, 4, 25)
    a, b = Covariance.of(X, w.astype(float)), Covariance.of(np.repeat(X, w, axis=0), np.ones(w.sum()))
    np.testing.assert_allclose(dense(a), dense(b), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(50, 4), (12, 40)])
@pytest.mark.parametrize("exponent", [0.5, -0.5, 2.0])
def test_powers_are_those_of_the_dense_matrix(shape, exponent):
    rng = np.random.default_rng(0)
    c = Covariance.of(rng.normal(size=shape), np.ones(shape[0]), 0.1)
    values, vectors = np.linalg.eigh(dense(c))
    X = rng.normal(size=(5, shape[1]))
    np.testing.assert_allclose(c.power(X, exponent), X @ (vectors * values**exponent) @ vectors.T, rtol=1e-8)


def test_a_given_share_is_used_but_never_none_at_all():
    X = np.random.default_rng(0).normal(size=(30, 3))
    assert Covariance.of(X, np.ones(30), 0.4).shrinkage == 0.4
    assert Covariance.of(X, np.ones(30), 0.0).shrinkage == FLOOR
