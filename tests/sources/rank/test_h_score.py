"""H-score against explicit covariances."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf, ledoit_wolf_shrinkage

from medgraft.sources.rank.h_score import h_score, shrinkage


def test_the_shrinkage_is_that_of_ledoit_and_wolf(labelled):
    F, _ = labelled
    C = F - F.mean(axis=0)
    U, s, _ = np.linalg.svd(C, full_matrices=False)
    assert shrinkage((U * s) ** 2, s**2 / len(F), F.shape[1]) == pytest.approx(
        ledoit_wolf_shrinkage(C), abs=1e-10
    )


def test_it_is_the_papers_formula(labelled):
    F, y = labelled
    lw = LedoitWolf().fit(F)
    means = np.array([F[y == c].mean(axis=0) for c in range(y.max() + 1)])
    between = np.cov(means[y], rowvar=False, bias=True)
    truth = np.trace(np.linalg.inv(lw.covariance_) @ ((1 - lw.shrinkage_) * between))
    assert h_score(F, y) == pytest.approx(truth, abs=1e-8)


def test_with_many_rows_it_is_the_unshrunk_one():
    rng = np.random.default_rng(0)
    y = np.arange(40_000) % 2
    F = rng.normal(size=(40_000, 3)) * [1, 5, 9] + y[:, None] * [0, 5, 0]
    means = np.array([F[y == c].mean(axis=0) for c in (0, 1)])
    plain = np.trace(np.linalg.inv(np.cov(F.T)) @ np.cov(means[y].T))
    assert h_score(F, y) == pytest.approx(plain, rel=2e-3)


def test_two_classes_far_apart_reach_its_upper_end():
    y = np.arange(200) % 2
    F = np.random.default_rng(0).normal(size=(200, 1)) + 1e4 * y[:, None]
    assert h_score(F, y) == pytest.approx(1.0, abs=1e-6)
    assert h_score(np.ones((200, 2)), y) == 0.0
