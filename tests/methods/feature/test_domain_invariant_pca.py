from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from medgraft.base import MedgraftError
from medgraft.methods.feature.domain_invariant_pca import DomainInvariantPCA, scatters
from medgraft.methods.learner import LogisticLearner


def data(p=5, n=(60, 50, 40), seed=0):
    rng = np.random.default_rng(seed)
    site = np.repeat(["a", "b", "t"], n)
    X = rng.normal(size=(len(site), p)) @ rng.normal(size=(p, p))
    for name in "ab":
        X[site == name] += rng.normal(0, 3, p)
    return X, (X[:, 0] > np.median(X[:, 0])).astype(int), site


def naive(Z, site):
    """Scatters from the definition, row by row."""
    p = Z.shape[1]
    S, B, means = np.zeros((p, p)), np.zeros((p, p)), {}
    for d in sorted(set(site)):
        rows = Z[site == d]
        means[d] = sum(rows) / len(rows)
        for z in rows:
            S += np.outer(z - means[d], z - means[d]) / len(rows) / 3
    centre = sum(means.values()) / 3
    for mean in means.values():
        B += np.outer(mean - centre, mean - centre) / 3
    return S, B


@pytest.mark.parametrize("penalty", [0.0, 1.0, 100.0])
def test_the_basis_solves_the_eigenproblem_written_out_naively(penalty):
    X, y, site = data()
    m = DomainInvariantPCA(penalty=penalty, n_components=5).fit(X, y, domain=site, target="t")
    S, B = naive(m.encoder_.transform(X), site)
    right = np.eye(5) + penalty * B
    residual = S @ m.basis_ - right @ m.basis_ * m.eigenvalues_
    assert np.abs(residual).max() < 1e-8
    np.testing.assert_allclose(m.basis_.T @ right @ m.basis_, np.eye(5), atol=1e-8)
    assert (np.diff(m.eigenvalues_) <= 0).all()


def test_the_model_is_the_learner_on_the_components():
    X, y, site = data()
    labelled = np.arange(150) < 120
    m = DomainInvariantPCA(n_components=3).fit(X, y, domain=site, target="t", labelled=labelled)
    Z = m.encoder_.transform(X) @ m.basis_
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(Z[labelled], y[labelled])
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(Z), rtol=1e-6)
    assert m.n_components_ == 3


def test_without_penalty_it_is_the_pca_of_rows_centred_by_domain():
    X, y, site = data(n=(50, 50, 50))
    m = DomainInvariantPCA(penalty=0.0, n_components=5).fit(X, y, domain=site, target="t")
    Z = m.encoder_.transform(X)
    for d in "abt":
        Z[site == d] -= Z[site == d].mean(axis=0)
    pca = PCA().fit(Z)
    np.testing.assert_allclose(np.abs(np.sum(pca.components_.T * m.basis_, axis=0)), 1.0, rtol=1e-8)
    np.testing.assert_allclose(m.eigenvalues_, pca.explained_variance_ * 149 / 150, rtol=1e-8)


def test_with_a_large_penalty_the_leading_components_do_not_see_the_differences_of_means():
    X, y, site = data()
    gaps = {}
    for penalty in (0.0, 10.0, 1e6):
        m = DomainInvariantPCA(penalty=penalty, n_components=3).fit(X, y, domain=site, target="t")
        Z = m.encoder_.transform(X)
        direction = m.basis_ / np.linalg.norm(m.basis_, axis=0)
        means = np.array([Z[site == d].mean(axis=0) for d in "abt"]) @ direction
        gaps[penalty] = np.ptp(means, axis=0).max()
    assert gaps[1e6] < 1e-3 < gaps[10.0] < gaps[0.0]


def test_more_features_than_rows_give_the_same_answer_in_the_span():
    X, y, site = data(p=40, n=(8, 9, 10))
    m = DomainInvariantPCA(n_components=4).fit(X, y, domain=site, target="t")
    S, B = naive(m.encoder_.transform(X), site)
    residual = S @ m.basis_ - (np.eye(40) + 10.0 * B) @ m.basis_ * m.eigenvalues_
    assert np.abs(residual).max() < 1e-8


def test_a_large_domain_counts_as_much_as_a_small_one():
    X, _, site = data()
    code = np.searchsorted(["a", "b", "t"], site)
    i = np.r_[np.arange(150), np.flatnonzero(code == 0), np.flatnonzero(code == 0)]
    once = scatters(X, np.ones(150), code, [0, 1, 2])
    thrice = scatters(X[i], np.ones(len(i)), code[i], [0, 1, 2])
    np.testing.assert_allclose(once[0], thrice[0], rtol=1e-9)
    np.testing.assert_allclose(once[1], thrice[1], rtol=1e-9)


def test_two_sources_are_enough_for_a_target_without_patients():
    X, y, site = data()
    rows = site != "t"
    m = DomainInvariantPCA().fit(X[rows], y[rows], domain=site[rows], target="t")
    assert m.n_components_ > 0
    one = DomainInvariantPCA().fit(X[site == "a"], y[site == "a"], domain=site[site == "a"], target="t")
    assert "all were pooled" in one.note_


@pytest.mark.parametrize("settings", [{"penalty": -1.0}, {"n_components": 0}, {"n_components": 1.5}])
def test_a_setting_out_of_range_is_an_error(settings):
    X, y, site = data()
    with pytest.raises(MedgraftError, match=next(iter(settings))):
        DomainInvariantPCA(**settings).fit(X, y, domain=site, target="t")
