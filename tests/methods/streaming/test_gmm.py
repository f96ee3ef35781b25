from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from medgraft.methods.streaming.gmm import PRIOR, RIDGE, StreamingGMM
from medgraft.methods.streaming.projection import Projection

rng = np.random.default_rng(0)
MEANS = np.array([[0.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
COUNTS = np.array([4.0, 2.0, 3.0])
MASS = np.array([[3.0, 1.0], [0.0, 2.0], [2.0, 2.0]])


def bare(covariance, **settings):
    """Three clusters of two classes in coordinates that are the windows themselves."""
    m = StreamingGMM(covariance=covariance, **{"unlabelled": 1.0} | settings)
    m.projection_ = Projection(np.zeros(2), np.zeros(2), np.eye(2))
    m.classes_ = np.array(["a", "b"])
    m.mean_, m.count_, m.mass_ = MEANS.copy(), COUNTS.copy(), MASS.copy()
    if covariance == "shared":
        m.spread_, m.common_ = np.array([[9.0, 3.0], [3.0, 8.0]]), np.array([9.0])
    else:
        m.spread_, m.common_ = np.array([[4.0, 2.0], [1.0, 3.0], [3.0, 3.0]]), np.array([1.0, 2.0])
    return m


def naive(m, z, label=None):
    """Responsibilities of one window, in the words of the paper."""
    parts = []
    for k in range(3):
        if m.covariance == "shared":
            S = m.spread_ / m.common_[0] + RIDGE * np.eye(2)
        else:
            S = np.diag((m.spread_[k] + PRIOR * m.common_) / (m.count_[k] + PRIOR) + RIDGE)
        p = m.count_[k] / m.count_.sum() * multivariate_normal(m.mean_[k], S).pdf(z)
        parts.append(p if label is None else p * m.mass_[k, label] / m.mass_[k].sum())
    return np.array(parts) / sum(parts)


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_probabilities_are_those_of_the_mixture(covariance):
    m = bare(covariance)
    X = rng.normal(size=(5, 2)) * 2
    theta = MASS / MASS.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(m.predict_proba(X), [naive(m, z) @ theta for z in X])


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
@pytest.mark.parametrize("label", [None, 0])
def test_one_window_is_one_step_of_em(covariance, label):
    m, z = bare(covariance), np.array([0.3, 0.4])
    r = naive(m, z, label)
    m.partial_fit([z], None if label is None else ["a"])
    n = COUNTS + r
    np.testing.assert_allclose(m.count_, n)
    np.testing.assert_allclose(m.mean_, (COUNTS[:, None] * MEANS + r[:, None] * z) / n[:, None])
    np.testing.assert_allclose(m.mass_, MASS + (0 if label is None else np.outer(r, [1, 0])))


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_windows_without_labels_add_up_to_their_worth(covariance):
    m = bare(covariance, unlabelled=0.25).partial_fit(rng.normal(size=(12, 2)))
    assert m.count_.sum() == pytest.approx(COUNTS.sum() + 3)
    assert covariance == "diagonal" or m.common_[0] == pytest.approx(9 + 3)


def test_a_window_that_begins_a_cluster_counts_and_adds_no_spread():
    m = bare("shared")
    spread = m.spread_.copy()
    m.partial_fit([[9.0, 9.0]], ["a"])  # the nearest cluster says b
    assert len(m.count_) == 4 and m.common_[0] == 10
    np.testing.assert_array_equal(m.spread_, spread)


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_sums_of_fixed_shares_are_those_of_a_batch_whatever_the_order(covariance):
    Z, R = rng.normal(size=(40, 2)), rng.dirichlet(np.ones(3), 40)
    first = bare(covariance)
    n = first.count_ + R.sum(axis=0)
    mean = (first.count_[:, None] * first.mean_ + R.T @ Z) / n[:, None]
    shift = first.mean_ - mean  # the start's windows are about its own means
    outer = np.einsum("k,kd,ke->kde", first.count_, shift, shift)
    outer += np.einsum("nk,nkd,nke->kde", R, Z[:, None] - mean, Z[:, None] - mean)
    for order in (np.arange(40), rng.permutation(40)):
        m = bare(covariance)
        for t in order:
            m._update(Z[t], R[t])
        np.testing.assert_allclose(m.count_, n)
        np.testing.assert_allclose(m.mean_, mean)
        if covariance == "shared":
            np.testing.assert_allclose(m.spread_, first.spread_ + outer.sum(axis=0))
            assert m.common_[0] == pytest.approx(49)
        else:
            np.testing.assert_allclose(m.spread_, first.spread_ + np.einsum("kdd->kd", outer))


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_forgetting_with_one_cluster_is_an_exponential_window(covariance):
    m = bare(covariance, forget=0.1)
    for name in ("mean_", "count_", "mass_"):
        setattr(m, name, getattr(m, name)[:1])
    m.spread_ = m.spread_ if covariance == "shared" else m.spread_[:1]
    m.count_[:] = 9.0
    start = m.spread_.copy()
    X = rng.normal(size=(30, 2))
    m.partial_fit(X)
    w = 0.9 ** np.arange(29, -1, -1)
    old = 9 * 0.9**30
    mean = w @ X / (w.sum() + old)
    S = (X - mean).T @ ((X - mean) * w[:, None]) + old * np.outer(mean, mean)
    np.testing.assert_allclose(m.count_, w.sum() + old)
    np.testing.assert_allclose(m.mean_[0], mean)
    if covariance == "shared":
        np.testing.assert_allclose(m.spread_, 0.9**30 * start + S)
        np.testing.assert_allclose(m.common_, w.sum() + old)
    else:
        np.testing.assert_allclose(m.spread_[0], 0.9**30 * start[0] + np.diag(S))


@pytest.mark.parametrize("covariance", ["shared", "diagonal"])
def test_a_merger_is_the_cluster_that_the_windows_of_both_would_have_made(covariance):
    Z, R = rng.normal(size=(20, 2)), rng.dirichlet(np.ones(3), 20)
    apart, joint = bare(covariance), bare(covariance)
    joint._merge(0, 2)
    for z, r in zip(Z, R, strict=True):
        apart._update(z, r)
        joint._update(z, np.array([r[0] + r[2], r[1]]))
    apart._merge(0, 2)
    for name in ("count_", "mean_", "mass_"):
        np.testing.assert_allclose(getattr(apart, name), getattr(joint, name))
    np.testing.assert_allclose(apart.spread_, joint.spread_)
    assert apart.mass_.sum() == MASS.sum()


def test_the_populations_spread_is_that_about_the_centres(people):
    X, y, groups = people[:3]
    m = StreamingGMM(per_class=1).fit(X, y, groups=groups)
    Z = m.projection_.apply(X)
    off = Z - np.array([Z[y == c].mean(axis=0) for c in m.classes_])[np.searchsorted(m.classes_, y)]
    np.testing.assert_allclose(m.spread_ / m.common_, off.T @ off / len(Z))
    d = StreamingGMM(per_class=1, covariance="diagonal").fit(X, y, groups=groups)
    own = [(off[y == c] ** 2).mean(axis=0) for c in m.classes_]
    np.testing.assert_allclose(d.spread_ / d.count_[:, None], own)
