"""Kernel PCA as a step: scikit-learn's where every row is a landmark, and no row kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import KernelPCA as Oracle

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.prepare import kernel_pca
from medgraft.methods.prepare.kernel_pca import KernelPCA


def rows(n=60, p=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, ((X**2).sum(axis=1) > np.median((X**2).sum(axis=1))).astype(int)


def test_where_every_row_is_a_landmark_the_components_are_scikit_learns_up_to_one_factor(monkeypatch):
    X, y = rows(40)
    monkeypatch.setattr(kernel_pca, "group_means", lambda Z, units, most: Z)
    model = KernelPCA(share=1.0, components=6, width=1.5).fit(X, y)
    ours = model._reduce((X - model.mean_) / model.scale_)
    truth = Oracle(6, kernel="rbf", gamma=1 / (2 * 1.5**2), eigen_solver="dense").fit(X)
    theirs = truth.transform(X)
    factor = np.linalg.norm(ours) / np.linalg.norm(theirs)
    np.testing.assert_allclose(np.abs(ours), factor * np.abs(theirs), atol=1e-6)
    np.testing.assert_allclose(model.variance_, truth.eigenvalues_ / 40, rtol=1e-8)
    assert np.square(ours).sum() == pytest.approx(np.square(X - X.mean(axis=0)).sum())  # share 1: all of it


def test_the_share_decides_how_many_components_and_their_limit_caps_them():
    X, y = rows(200)
    model = KernelPCA(share=0.8, components=50).fit(X, y)
    everything = KernelPCA(share=1.0, components=500).fit(X, y).variance_
    q = len(model.variance_)
    held = np.cumsum(everything) / everything.sum()
    assert held[q - 1] >= 0.8 > held[q - 2]
    np.testing.assert_allclose(model.variance_, everything[:q])
    assert len(KernelPCA(share=1.0, components=2).fit(X, y).variance_) == 2


def test_a_linear_learner_behind_it_finds_a_ring_that_it_does_not_find_alone():
    X, y = rows(400, 2)
    test, truth = rows(2000, 2, seed=1)
    alone = np.mean(Pooled().fit(X, y).predict(test) == truth)
    curved = np.mean(Pooled(estimator=KernelPCA()).fit(X, y).predict(test) == truth)
    error = 0.5 / np.sqrt(2000)
    assert abs(alone - 0.5) < 5 * error  # a line through a ring tells nothing
    assert curved > 0.5 + 20 * error


def test_no_landmark_is_a_row_or_the_mean_of_two_and_no_row_is_kept():
    X, y = rows(60)
    model = KernelPCA().fit(X, y)
    A = X - X.mean(axis=0)
    pairs = (A[:, None] + A).reshape(-1, 3) / 2  # a row with itself is the row
    gap = np.abs(model.landmarks_[:, None] - pairs).max(axis=2)
    assert 2 <= len(model.landmarks_) <= 20  # 60 patients, three or more a landmark
    assert gap.min() > 1e-6
    kept = [v for v in vars(model).values() if isinstance(v, np.ndarray)]
    assert all(len(v) < 60 for v in kept)


def test_two_patients_make_no_landmark_and_the_features_are_handed_on_as_they_are():
    X, y = rows(20)
    model = KernelPCA().fit(X, y, groups=np.arange(20) // 10)
    assert model.landmarks_.shape == (0, 3)
    Z = (X - model.mean_) / model.scale_
    np.testing.assert_allclose(model._reduce(Z), X - X.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"width": -1.0}, {"landmarks": 1}, {"components": 0}])
def test_settings_out_of_range_are_refused_by_name(wrong):
    X, y = rows()
    with pytest.raises(MedgraftError, match=next(iter(wrong))):
        KernelPCA(**wrong).fit(X, y)
