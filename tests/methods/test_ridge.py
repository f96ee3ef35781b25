from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from medgraft.methods.ridge import RidgePath


def data(n=24, p=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 1.0
    return X, X @ rng.normal(size=p) + rng.normal(size=n) + 3.0, rng.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("p", [3, 40])
@pytest.mark.parametrize("intercept", [True, False])
def test_coefficients_are_those_of_scikit_learn(p, intercept):
    X, y, w = data(p=p)
    for lam in (0.01, 1.0, 100.0):
        b, c = RidgePath.of(X, y, w, intercept=intercept).coef(lam)
        other = Ridge(alpha=lam, fit_intercept=intercept, solver="cholesky").fit(X, y, w)
        np.testing.assert_allclose(b, other.coef_, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(c, other.intercept_, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("p", [3, 40])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("sizes", [[1] * 24, [1, 2, 3, 4, 14], [12, 12], [2] * 12], ids=str)
def test_the_left_out_error_is_that_of_fitting_again_without_each_patient(p, intercept, sizes):
    X, y, w = data(p=p)
    units = np.random.default_rng(5).permutation(np.repeat(np.arange(len(sizes)), sizes))
    lams = np.array([0.1, 3.0, 50.0])
    brute = np.zeros(3)
    for j, lam in enumerate(lams):
        for u in np.unique(units):
            out = units == u
            m = Ridge(alpha=lam, fit_intercept=intercept, solver="cholesky").fit(X[~out], y[~out], w[~out])
            brute[j] += np.sum(w[out] * (y[out] - m.predict(X[out])) ** 2)
    exact = RidgePath.of(X, y, w, intercept=intercept).left_out_error(lams, units)
    np.testing.assert_allclose(exact, brute, rtol=1e-6)


def test_an_infinite_penalty_leaves_the_mean_or_nothing():
    X, y, w = data()
    with_mean = RidgePath.of(X, y, w)
    b, c = with_mean.coef(np.inf)
    assert not b.any()
    assert c == pytest.approx(np.average(y, weights=w))
    bare = RidgePath.of(X, y, w, intercept=False)
    np.testing.assert_allclose(bare.left_out_error(np.array([np.inf]), np.arange(24)), np.sum(w * y**2))
