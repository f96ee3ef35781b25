from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from medgraft.base import MedgraftError
from medgraft.methods.feature.optimal_transport import OptimalTransport, Points, _displacement
from medgraft.methods.feature.transport import grouped
from medgraft.methods.learner import LogisticLearner


def data(n_source=90, n_target=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_source + n_target, 2))
    y = (X[:, 0] > 0).astype(int)
    X[:n_source] = X[:n_source] @ [[1.0, 0.7], [-0.5, 1.2]] + [3.0, -2.0]
    return X, y, {"domain": np.repeat(["s", "t"], [n_source, n_target]), "target": "t"}


@pytest.mark.parametrize("eta", [0.0, 0.1])
def test_the_model_is_the_learner_on_rows_at_their_barycentres(eta):
    X, y, rows = data()
    labelled = np.arange(150) < 110
    model = OptimalTransport(class_penalty=eta).fit(X, y, **rows, labelled=labelled)
    Z = model.encoder_.transform(X)
    C = cdist(Z[:90], Z[90:], "sqeuclidean")
    T = grouped(np.full(90, 1 / 90), np.full(60, 1 / 60), C / C.mean(), y[:90], 0.05, eta)
    moved = np.vstack([90 * (T @ Z[90:]), Z[90:]])
    learner = LogisticLearner(penalties=[model.learner_.penalty_]).fit(moved[labelled], y[labelled])
    np.testing.assert_allclose(model.predict_proba(X), learner.predict_proba(Z), atol=1e-6)
    assert 0 < model.cost_ < 1


def test_a_shift_alone_is_undone_up_to_the_smoothing():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 2))
    model = OptimalTransport(smooth=2e-5, class_penalty=0.0)
    points = Points(Z + 5.0, np.ones(40), np.full(40, -1)), Points(Z, np.ones(40), np.full(40, -1))
    np.testing.assert_allclose(model._carry(*points), Z, atol=0.05)


def test_other_rows_move_as_their_nearest_landmark_of_their_own_class():
    marks = Points(np.array([[0.0], [1.0], [10.0]]), np.ones(3), np.array([0, 1, 1]))
    step = np.array([[100.0], [200.0], [300.0]])
    rows = np.array([[0.1], [0.2], [9.0], [0.9], [4.0]])
    label = np.array([0, 1, 0, -1, 7])
    expected = [[100.0], [200.0], [100.0], [200.0], [200.0]]
    np.testing.assert_array_equal(_displacement(rows, label, marks, step), expected)
    np.testing.assert_array_equal(_displacement(rows[:1], None, marks, step), [[100.0]])


def test_few_landmarks_move_the_source_about_as_all_rows_do():
    X, y, rows = data(600, 500)
    labelled = rows["domain"] == "s"
    full = OptimalTransport(n_landmarks=600).fit(X, y, **rows, labelled=labelled)
    few = OptimalTransport(n_landmarks=200).fit(X, y, **rows, labelled=labelled)
    a, b = full.predict_proba(X[600:])[:, 1], few.predict_proba(X[600:])[:, 1]
    assert np.abs(a - b).mean() < 0.1
    assert not np.array_equal(a, b)


def test_a_copied_row_weighs_what_its_copies_weigh():
    X, y, rows = data()
    i = np.r_[np.arange(150), np.zeros(3, dtype=int), np.full(2, 100)]
    w = np.bincount(i, minlength=150).astype(float)
    a = OptimalTransport().fit(X, y, **rows, sample_weight=w)
    b = OptimalTransport().fit(X[i], y[i], domain=rows["domain"][i], target="t")
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("settings", [{"smooth": 0.0}, {"class_penalty": -1.0}, {"n_landmarks": 1}])
def test_a_setting_out_of_range_is_an_error(settings):
    X, y, rows = data()
    with pytest.raises(MedgraftError, match=next(iter(settings))):
        OptimalTransport(**settings).fit(X, y, **rows)
