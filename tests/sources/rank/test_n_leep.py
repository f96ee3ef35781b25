"""N-LEEP against its steps done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from medgraft.sources.rank.leep import leep
from medgraft.sources.rank.n_leep import n_leep, principal


def test_components_hold_the_variance_and_no_more_than_needed(labelled):
    F, _ = labelled
    mine, theirs = principal(F, 0.8), PCA(0.8, svd_solver="full").fit(F)
    assert mine.shape[1] == theirs.n_components_
    ratio = mine.var(axis=0) / mine.var(axis=0)[0]
    assert np.allclose(ratio, theirs.explained_variance_ / theirs.explained_variance_[0], atol=1e-10)


def test_it_is_leep_of_the_mixtures_posteriors():
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    F = rng.normal(size=(90, 6)) + 4 * np.eye(6)[y]
    X = principal(F, 0.8)
    X = X[order := np.lexsort(X.T[::-1])]
    g = GaussianMixture(15, covariance_type="diag", random_state=0).fit(X)
    dense = [
        w * multivariate_normal(m, np.diag(v)).pdf(X)
        for w, m, v in zip(g.weights_, g.means_, g.covariances_, strict=True)
    ]
    theta = np.array(dense).T
    theta /= theta.sum(axis=1, keepdims=True)
    assert n_leep(F, y) == pytest.approx(leep(theta, y[order]), abs=1e-8)


def test_clusters_never_name_single_rows():
    rng = np.random.default_rng(0)
    F, y = rng.normal(size=(8, 4)), np.arange(8) % 4  # 5 clusters a class would be 20 for 8 rows
    assert n_leep(F, y) < -0.1
