"""Principal components of features."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.components import components

F = np.random.default_rng(0).normal(size=(30, 50)) * np.linspace(1, 4, 50)


def test_they_are_uncorrelated_of_variance_one_and_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    Z = components(F, np.ones(30))
    assert np.allclose(Z.T @ Z / 30, np.eye(5), atol=1e-8) and np.allclose(Z.mean(axis=0), 0)
    other = PCA(5, whiten=True, svd_solver="full").fit_transform(F) * np.sqrt(30 / 29)
    assert np.allclose(np.abs(Z), np.abs(other), atol=1e-6)


def test_a_row_of_weight_two_is_a_row_twice_and_order_plays_no_part():
    weight = np.r_[np.full(10, 2.0), np.ones(20)]
    twice = components(np.r_[F, F[:10]], np.ones(40))
    assert np.allclose(components(F, weight), twice[:30], atol=1e-8)
    order = np.random.default_rng(1).permutation(30)
    assert np.allclose(components(F[order], weight[order]), components(F, weight)[order], atol=1e-8)


@pytest.mark.parametrize("n", [2, 3])
def test_few_rows_have_few_directions(n):
    assert components(F[:n], np.ones(n)).shape == (n, n - 1)
