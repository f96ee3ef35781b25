"""TCA as an estimator: the paper's solution inside, the same coordinates for new rows, honest fallbacks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.kernel_space import gaussian
from medgraft.methods.feature.tca import TCA
from medgraft.methods.learner import LogisticLearner


def data(n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2 * n, 3))
    y = (X[:, 0] + 0.3 * rng.normal(size=2 * n) > 0).astype(int)
    X[:n, 1] += 1.5
    return X, y, {"domain": np.repeat(["s", "t"], n), "target": "t"}


def test_the_model_is_the_learner_on_the_dense_solution_for_the_landmark_kernel():
    X, y, rows = data()
    n, labelled = len(X), np.arange(240) < 150
    m = TCA(n_components=4, penalty=2.0).fit(X, y, **rows, labelled=labelled)
    Z = m.encoder_.transform(X)
    L = gaussian(m.landmarks_, m.landmarks_, m.width_)
    N = gaussian(Z, m.landmarks_, m.width_)
    K = N @ np.linalg.pinv(L, rcond=1e-11, hermitian=True) @ N.T
    s = np.repeat([1 / 120, -1 / 120], 120)
    H = np.eye(n) - 1 / n
    values, W = eigh(K @ H @ K, np.outer(K @ s, K @ s) + 2.0 * np.eye(n), subset_by_index=[n - 4, n - 1])
    np.testing.assert_allclose(m.eigenvalues_, values[::-1], rtol=1e-6)
    E = np.sqrt(n) * K @ W / np.sqrt(values)
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(E[labelled], y[labelled])
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(E), atol=1e-6)


def test_training_rows_given_again_get_their_training_coordinates():
    X, y, rows = data()
    seen = {}

    class Spy(TCA):
        def _learn(self, Z, rows, where, weight=None):
            seen["E"] = Z
            super()._learn(Z, rows, where, weight)

    m = Spy().fit(X, y, **rows)
    np.testing.assert_allclose(m._encode(X[::-1])[::-1], seen["E"], atol=1e-10)


def test_a_feature_that_tells_the_domains_apart_counts_less_the_smaller_the_penalty():
    X, y, rows = data(300)

    def gap(penalty):
        E = TCA(n_components=2, penalty=penalty).fit(X, y, **rows)._encode(X)
        return np.linalg.norm(E[:300].mean(axis=0) - E[300:].mean(axis=0))

    gaps = [gap(mu) for mu in (1e3, 10.0, 1e-2)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.05


def test_shifting_and_scaling_columns_changes_nothing():
    X, y, rows = data()
    a = TCA().fit(X, y, **rows)
    b = TCA().fit(X * [2.0, 8.0, 0.5] + 16.0, y, **rows)
    # Other numbers are other keys, so other draws: with this few rows, all are drawn.
    np.testing.assert_allclose(a.width_, b.width_, rtol=1e-9)
    np.testing.assert_allclose(a.eigenvalues_, b.eigenvalues_, rtol=1e-6)


def test_no_landmark_is_a_patient():
    X, y, rows = data()
    m = TCA().fit(X, y, **rows)
    Z = m.encoder_.transform(X)
    assert np.sqrt(((Z[:, None] - m.landmarks_) ** 2).sum(axis=2)).min() > 1e-3


@pytest.mark.parametrize("n_target", [0, 1])
def test_too_few_target_rows_pool_everyone_and_say_so(n_target):
    X, y, rows = data()
    keep = np.arange(240) < 120 + n_target
    m = TCA().fit(X[keep], y[keep], domain=rows["domain"][keep], target="t")
    assert "all were pooled" in m.note_
    np.testing.assert_array_equal(m.predict_proba(X), Pooled().fit(X[keep], y[keep]).predict_proba(X))


@pytest.mark.parametrize(
    "settings", [{"n_components": 0}, {"penalty": 0}, {"width": -1.0}, {"n_landmarks": 2.5}, {"penalty": "x"}]
)
def test_a_senseless_setting_is_an_error(settings):
    X, y, rows = data()
    with pytest.raises(MedgraftError, match=next(iter(settings))):
        TCA(**settings).fit(X, y, **rows)
