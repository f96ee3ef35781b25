"""GBC against explicit matrices, and against the integral that its distance stands for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.decomposition import PCA

from medgraft.base import MedgraftError
from medgraft.sources.rank.gbc import gbc


@pytest.mark.parametrize("covariance", ["spherical", "diagonal"])
def test_it_is_the_papers_formula(labelled, covariance):
    F, y = labelled
    F = F + np.random.default_rng(5).normal(size=F.shape)
    k = min(64, min(F.shape) - (len(F) <= F.shape[1]))  # centring takes one direction
    P = PCA(k, svd_solver="full").fit_transform(F)
    stats = []
    floor = 1e-4 * P.var(axis=0).mean()
    for c in range(y.max() + 1):
        v = P[y == c].var(axis=0)
        v = np.full(k, v.mean()) if covariance == "spherical" else v
        stats.append((P[y == c].mean(axis=0), np.diag(np.maximum(v, floor))))
    total = 0.0
    for a, (ma, Sa) in enumerate(stats):
        for b, (mb, Sb) in enumerate(stats):
            if a != b:
                S = (Sa + Sb) / 2
                logs = [np.linalg.slogdet(M)[1] for M in (S, Sa, Sb)]
                D = (ma - mb) @ np.linalg.inv(S) @ (ma - mb) / 8 + (logs[0] - (logs[1] + logs[2]) / 2) / 2
                total -= np.exp(-D)
    assert gbc(F, y, covariance=covariance) == pytest.approx(total, abs=1e-8)


def test_in_one_dimension_it_is_the_overlap_integral():
    a, b = np.array([-1.0, 1.0, 0.5, -0.5]), np.array([1.0, 5.0, 2.0, 4.0])
    f, g = norm(a.mean(), a.std()), norm(b.mean(), b.std())
    overlap = quad(lambda x: np.sqrt(f.pdf(x) * g.pdf(x)), -40, 40)[0]
    assert gbc(np.r_[a, b][:, None], [0] * 4 + [1] * 4) == pytest.approx(-2 * overlap, abs=1e-8)


def test_a_class_of_one_row_is_said():
    with pytest.raises(MedgraftError, match="two images of every class"):
        gbc(np.random.default_rng(0).normal(size=(5, 2)), [0, 0, 1, 1, 2])


def test_an_unknown_covariance_is_said():
    with pytest.raises(MedgraftError, match="covariance 'full'"):
        gbc(np.ones((4, 1)), [0, 1, 0, 1], covariance="full")
