"""Subspace alignment: against the paper's formula, what M minimises, and how the dimension is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from sklearn.decomposition import PCA

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.subspace_alignment import SubspaceAlignment, dimension, principal
from medgraft.methods.learner import LogisticLearner


def data(seed=0, n=120, p=5):
    rng = np.random.default_rng(seed)
    mix_s, mix_t = rng.normal(size=(2, 2, p))
    u = rng.normal(size=(2 * n, 2))
    X = np.r_[u[:n] @ mix_s + 3.0, u[n:] @ mix_t] + 0.1 * rng.normal(size=(2 * n, p))
    return X, (u[:, 0] > 0).astype(int), {"domain": np.repeat(["s", "t"], n), "target": "t"}


def test_the_model_is_the_learner_on_the_papers_coordinates():
    X, y, rows = data()
    labelled = np.arange(240) < 140
    m = SubspaceAlignment(n_components=2).fit(X, y, **rows, labelled=labelled)
    Z = m.encoder_.transform(X)
    s, t = PCA(2).fit(Z[:120]), PCA(2).fit(Z[120:])
    M = s.components_ @ t.components_.T
    moved = np.r_[s.transform(Z[:120]) @ M, t.transform(Z[120:])]
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(moved[labelled], y[labelled])
    new = t.transform(m.encoder_.transform(X[120:]))
    np.testing.assert_allclose(m.predict_proba(X[120:]), naive.predict_proba(new), rtol=1e-6)


def test_no_other_matrix_brings_the_source_s_basis_nearer():
    X, y, rows = data()
    m = SubspaceAlignment(n_components=2).fit(X, y, **rows)
    Z = m.encoder_.transform(X)
    Ps = principal(Z[:120], np.ones(120))[1][:, :2]

    def distance(M):
        return ((Ps @ M - m.basis_) ** 2).sum()

    rng = np.random.default_rng(0)
    for _ in range(20):
        assert distance(m.alignment_ + 0.1 * rng.normal(size=(2, 2))) > distance(m.alignment_)


def test_sides_of_one_subspace_are_only_centred():
    X, y, rows = data()
    X[120:] = X[:120] + 7.0  # the same patients measured with an offset
    y[120:] = y[:120]
    m = SubspaceAlignment(n_components=3).fit(X, y, **rows, labelled=np.arange(240) < 120)
    np.testing.assert_allclose(m.alignment_, np.eye(3), atol=1e-9)


def test_turning_and_shifting_the_source_s_subspace_is_undone():
    # Both sides have one law and one rule in two hidden factors; the source's device shows them elsewhere.
    rng = np.random.default_rng(0)
    u = rng.normal(size=(2000, 2)) * [3.0, 1.0]
    plane = np.linalg.qr(rng.normal(size=(6, 2)))[0]
    skew = 0.15 * rng.normal(size=(6, 6))
    X = u @ plane.T
    X[:1000] = X[:1000] @ expm(skew - skew.T) + 5.0  # a turn of less than a right angle
    y, domain = (u[:, 0] > 0).astype(int), np.repeat(["s", "t"], 1000)
    m = SubspaceAlignment(n_components=2).fit(X, y, domain=domain, target="t", labelled=domain == "s")
    clear = np.abs(u[1000:, 0]) > 1.0
    np.testing.assert_array_equal(m.predict(X[1000:])[clear], y[1000:][clear])


def test_the_dimension_holds_the_share_on_both_sides():
    s, t = np.array([6.0, 3.0, 1.0, 0.0]), np.array([9.0, 0.5, 0.3, 0.2])
    assert [dimension(s, t, share) for share in (0.5, 0.6, 0.61, 0.9, 0.95)] == [1, 1, 2, 2, 3]
    assert dimension(s, t, 0.999) == 3  # the source has no fourth direction
    assert dimension(s, np.zeros(4), 0.9) == 0
    X, y, rows = data()
    assert SubspaceAlignment().fit(X, y, **rows).n_components_ == 2  # two hidden factors and little noise


def test_more_features_than_patients_are_no_obstacle():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 200))
    m = SubspaceAlignment().fit(X, np.arange(50) % 2, domain=np.repeat(["s", "t"], [30, 20]), target="t")
    assert m.n_components_ <= 19
    assert np.isfinite(m.predict_proba(X)).all()


def test_too_few_target_rows_pool_everyone_and_say_so():
    X, y, rows = data()
    keep = np.arange(240) < 121
    m = SubspaceAlignment().fit(X[keep], y[keep], domain=rows["domain"][keep], target="t")
    assert "all were pooled" in m.note_
    np.testing.assert_array_equal(m.predict_proba(X), Pooled().fit(X[keep], y[keep]).predict_proba(X))


@pytest.mark.parametrize("wanted", [0, -1, 1.5, 0.0, True, "many"])
def test_a_senseless_number_of_components_is_an_error(wanted):
    X, y, rows = data()
    with pytest.raises(MedgraftError, match="n_components"):
        SubspaceAlignment(n_components=wanted).fit(X, y, **rows)
