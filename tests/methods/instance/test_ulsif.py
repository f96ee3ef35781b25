from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.instance.ulsif import ULSIF
from medgraft.methods.learner import LogisticLearner


def data(n_source=150, n_target=80, shift=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = np.r_[rng.normal(0, 1, (n_source, 2)), rng.normal(shift, 0.8, (n_target, 2))]
    y = (np.sin(X[:, 0]) + 0.5 * rng.normal(size=len(X)) > 0).astype(int)
    return X, y, {"domain": np.repeat(["s", "t"], [n_source, n_target]), "target": "t"}


def test_weights_have_mean_one_in_the_source_and_are_one_in_the_target():
    X, y, rows = data()
    m = ULSIF().fit(X, y, **rows)
    assert m.weights_.shape == (230,)
    assert m.weights_[:150].mean() == pytest.approx(1.0)
    assert (m.weights_[150:] == 1).all()


def test_the_effective_sample_size_is_that_of_the_weights():
    X, y, rows = data()
    m = ULSIF().fit(X, y, **rows)
    w = m.weights_[:150]
    assert m.ess_ == pytest.approx(w.sum() ** 2 / (w @ w))
    assert 1 < m.ess_ < 150


def test_domains_farther_apart_leave_fewer_effective_rows():
    ess = [ULSIF().fit(*data(shift=s)[:2], **data(shift=s)[2]).ess_ for s in (0.0, 1.0, 2.0)]
    assert ess[0] > ess[1] > ess[2]


def test_the_model_is_the_learner_on_weighted_rows():
    X, y, rows = data()
    labelled = np.arange(230) < 170
    m = ULSIF().fit(X, y, **rows, labelled=labelled)
    Z = m.encoder_.transform(X)
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(
        Z[labelled], y[labelled], m.weights_[labelled]
    )
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(Z), rtol=1e-7)


def test_weighting_moves_the_fit_to_where_the_target_is():
    # y = x^2 is no line: the slope must be the one at the target's place, 2 x = 2, not at the source's, 0.
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(0, 1, (2000, 1)), rng.normal(1, 0.4, (400, 1))]
    rows = {"domain": np.repeat(["s", "t"], [2000, 400]), "target": "t", "labelled": np.arange(2400) < 2000}
    slope = {}
    for cls in (ULSIF, Pooled):
        m = cls(task="regression").fit(X, X[:, 0] ** 2, **rows)
        slope[cls] = np.diff(m.predict([[0.5], [1.5]]))[0]
    assert abs(slope[Pooled]) < 0.3
    assert slope[ULSIF] == pytest.approx(2.0, abs=0.5)


@pytest.mark.parametrize("n_target", [0, 1])
def test_too_few_target_rows_weight_nobody(n_target):
    X, y, rows = data(n_target=2)
    keep = np.arange(152) < 150 + n_target
    m = ULSIF().fit(X[keep], y[keep], domain=rows["domain"][keep], target="t")
    assert (m.weights_ == 1).all()
    assert "no row was weighted" in m.note_


def test_domains_that_do_not_overlap_weight_nobody_and_say_so():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(0, 0.001, (10, 1)), rng.normal(1000, 0.001, (100, 1))]
    m = ULSIF().fit(X, np.arange(110) % 2, domain=np.repeat(["s", "t"], [10, 100]), target="t")
    assert (m.weights_ == 1).all()
    assert "do not overlap" in m.note_


def test_patients_with_several_rows_are_held_out_whole():
    # Ten near-copies a patient: leaving out one row leaves nine of it, which asks for too narrow bumps.
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(0, 1, (20, 3)), rng.normal(0, 1, (20, 3))].repeat(10, axis=0)
    X += 0.001 * rng.normal(size=X.shape)
    rows = {"domain": np.repeat(["s", "t"], 200), "target": "t"}
    y = np.arange(400) % 2
    by_row = ULSIF().fit(X, y, **rows)
    by_patient = ULSIF().fit(X, y, **rows, groups=np.arange(400) // 10)
    assert by_patient.sigma_ > by_row.sigma_
    assert by_patient.ess_ > by_row.ess_
