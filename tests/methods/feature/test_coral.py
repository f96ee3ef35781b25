from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import inv, sqrtm
from sklearn.covariance import ledoit_wolf

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.coral import CORAL
from medgraft.methods.feature.covariance import Covariance
from medgraft.methods.learner import LogisticLearner


def data(n_source=150, n_target=90, seed=0):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(3, 3))
    X = np.r_[rng.normal(size=(n_source, 3)) @ mix + [1, 2, 3], rng.normal(size=(n_target, 3))]
    y = (rng.random(len(X)) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
    return X, y, {"domain": np.repeat(["s", "t"], [n_source, n_target]), "target": "t"}


def test_the_model_is_the_learner_on_rows_recoloured_by_the_papers_formula():
    X, y, rows = data()
    labelled = np.arange(240) < 170
    m = CORAL().fit(X, y, **rows, labelled=labelled)
    Z = m.encoder_.transform(X)
    source, target = X[:150], X[150:]
    standard = (source - source.mean(axis=0)) / source.std(axis=0) * target.std(axis=0) + target.mean(axis=0)
    s, t = m.encoder_.transform(standard), Z[150:]
    A = inv(sqrtm(ledoit_wolf(s)[0])) @ sqrtm(ledoit_wolf(t)[0])
    moved = np.r_[(s - s.mean(axis=0)) @ A + t.mean(axis=0), t]
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(moved[labelled], y[labelled])
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(Z), rtol=1e-5)


def test_recolouring_gives_the_source_the_targets_moments():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(400, 4)) + 7
    cs, ct = Covariance.of(s, np.ones(500), 0.0), Covariance.of(t, np.ones(400), 0.0)
    moved = ct.power(cs.power(s - cs.mean, -0.5), 0.5) + ct.mean
    np.testing.assert_allclose(moved.mean(axis=0), t.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(np.cov(moved.T, bias=True), np.cov(t.T, bias=True), rtol=0.02, atol=0.02)


def test_an_affine_change_of_the_source_is_undone():
    # Both domains have one law and one rule; the source's device turns, scales and shifts.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 2)) @ np.diag([1.0, 3.0])
    y = (X[:, 0] > 0).astype(int)
    domain = np.repeat(["s", "t"], 2000)
    seen = X.copy()
    seen[:2000] = X[:2000] @ np.diag([40.0, 0.2]) + [300.0, -5.0]
    labelled = domain == "s"
    plain = Pooled().fit(X, y, domain=domain, target="t", labelled=labelled)
    aligned = CORAL().fit(seen, y, domain=domain, target="t", labelled=labelled)
    np.testing.assert_array_equal(
        plain.predict(X[2000:])[np.abs(X[2000:, 0]) > 0.1],
        aligned.predict(X[2000:])[np.abs(X[2000:, 0]) > 0.1],
    )


def test_a_target_of_more_features_than_patients_is_no_obstacle():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 300))
    m = CORAL().fit(X, np.arange(60) % 2, domain=np.repeat(["s", "t"], [40, 20]), target="t")
    assert all(0 < g <= 1 for g in m.shrinkage_)
    assert np.isfinite(m.predict_proba(X)).all()


@pytest.mark.parametrize("n_target", [0, 1])
def test_too_few_target_rows_pool_everyone_and_say_so(n_target):
    X, y, rows = data(n_target=2)
    keep = np.arange(152) < 150 + n_target
    m = CORAL().fit(X[keep], y[keep], domain=rows["domain"][keep], target="t")
    assert "all were pooled" in m.note_
    plain = Pooled().fit(X[keep], y[keep])
    np.testing.assert_array_equal(m.predict_proba(X), plain.predict_proba(X))


@pytest.mark.parametrize("shrinkage", [-0.1, 1.5, "much"])
def test_a_shrinkage_that_is_no_share_is_an_error(shrinkage):
    X, y, rows = data()
    with pytest.raises(MedgraftError, match="between 0 and 1"):
        CORAL(shrinkage=shrinkage).fit(X, y, **rows)
