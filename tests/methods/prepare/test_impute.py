from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.utils.estimator_checks import check_estimator

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.coral import CORAL
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.model.l2sp import L2SP
from medgraft.methods.prepare import steps
from medgraft.methods.prepare.impute import IterativeImpute, KNNImpute

every_imputer = pytest.mark.parametrize("name", [n for n in steps if steps[n].around == "method"])


def data(n=160, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)) + [0, 5, -3, 100]
    y = (A[:, 0] > np.median(A[:, 0])).astype(int)
    A[rng.random((n, 4)) < 0.15] = np.nan
    X = pd.DataFrame(A, columns=list("abcd"))
    X.insert(2, "sex", rng.choice(["f", "m", None], n))
    X["never"] = np.nan
    return X, y


@every_imputer
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learn_accepts_a_method_with_filled_gaps(name, task):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(steps[name].cls(Pooled(task=task)), on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []


@every_imputer
def test_what_was_observed_stays_and_gaps_are_filled_and_marked(name):
    X, y = data()
    model = steps[name].cls(Pooled()).fit(X, y)
    out = model._features(X)
    assert list(out.columns[:6]) == list(X.columns)
    assert list(out.columns[6:]) == ["a is missing", "b is missing", "c is missing", "d is missing"]
    for column in "abcd":
        seen = X[column].notna()
        np.testing.assert_array_equal(out[column][seen], X[column][seen])
        assert out[column].notna().all()
        np.testing.assert_array_equal(out[f"{column} is missing"], ~seen)
    assert out["sex"].tolist() == X["sex"].tolist()
    assert out["never"].isna().all()
    assert list(steps[name].cls(Pooled(), mark=False).fit(X, y)._features(X).columns) == list(X.columns)


@every_imputer
def test_a_row_that_was_held_out_does_not_touch_the_filling(name):
    X, y = data()
    out = X.iloc[100:].copy()
    a = steps[name].cls(Pooled()).fit(X[:100], y[:100])
    wild = out.copy()
    wild.loc[105, "a":"b"] = 1e6
    np.testing.assert_array_equal(a._features(out)["c"].drop(index=5), a._features(wild)["c"].drop(index=5))
    b = steps[name].cls(Pooled()).fit(X, y, sample_weight=(np.arange(160) < 100).astype(float))
    np.testing.assert_allclose(a.predict_proba(out), b.predict_proba(out), rtol=1e-6)


@every_imputer
def test_order_copies_and_labels_of_rows_do_not_touch_the_filling(name):
    X, y = data()
    p = np.random.default_rng(1).permutation(160)
    twice = np.r_[np.arange(160), np.arange(20)]
    a = steps[name].cls(Pooled()).fit(X, y)._features(X)
    b = steps[name].cls(Pooled()).fit(X.iloc[p], y[p])._features(X)
    c = steps[name].cls(Pooled()).fit(X.iloc[twice], 1 - y[twice])._features(X)
    numbers = list("abcd")
    np.testing.assert_allclose(a[numbers], b[numbers], rtol=1e-6)
    np.testing.assert_allclose(a[numbers], c[numbers], rtol=1e-6)


def test_iterative_filling_agrees_with_scikit_learns_own():
    X, y = data()
    A = X[list("abcd")].to_numpy()
    model = IterativeImpute(Pooled(), mark=False).fit(A, y)
    scaled = (A - np.nanmean(A, axis=0)) / np.nanstd(A, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        naive = IterativeImputer(random_state=0).fit(scaled)
    new = data(seed=7)[0][list("abcd")].to_numpy()
    filled = naive.transform((new - np.nanmean(A, axis=0)) / np.nanstd(A, axis=0))
    expected = filled * np.nanstd(A, axis=0) + np.nanmean(A, axis=0)
    np.testing.assert_allclose(model._features(new), expected, rtol=1e-6)


def test_a_plane_is_filled_exactly_by_regressions():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(300, 2))
    A = np.column_stack([A, 2 * A[:, 0] - A[:, 1] + 1])
    y = A[:, 0] > 0
    model = IterativeImpute(Pooled(), mark=False).fit(A, y)
    np.testing.assert_allclose(model._features([[1.0, -1.0, np.nan]]), [[1.0, -1.0, 4.0]], rtol=1e-4)


def test_donors_are_means_of_three_patients_and_the_nearest_gives():
    # Three clusters of four patients: by hand, the donors are their means.
    base = np.array([[0.0, 0.0], [10.0, 100.0], [20.0, 50.0]])
    A = np.repeat(base, 4, axis=0) + np.tile([[0.1, 0.4], [-0.1, 0.2], [0.0, -0.3], [0.0, 0.1]], (3, 1))
    model = KNNImpute(Pooled(), mark=False, n_neighbours=1).fit(A, np.arange(12) % 2)
    means = A.reshape(3, 4, 2).mean(axis=1)
    donors = model.imputer_._fit_X * model.scale_ + model.mean_
    np.testing.assert_allclose(donors[np.argsort(donors[:, 0])], means, rtol=1e-9)
    np.testing.assert_allclose(model._features([[11.0, np.nan]]), [[11.0, means[1, 1]]])
    two = KNNImpute(Pooled(), mark=False, n_neighbours=2).fit(A, np.arange(12) % 2)
    np.testing.assert_allclose(two._features([[14.0, np.nan]]), [[14.0, means[1:, 1].mean()]])


@every_imputer
def test_no_patient_is_kept(name):
    X, y = data()
    model = steps[name].cls(Pooled(), n_neighbours=1) if name == "knn-impute" else steps[name].cls(Pooled())
    model.fit(X, y, groups=np.arange(160) // 2)
    if name == "knn-impute":
        donors = model.imputer_._fit_X
        A = (X[list("abcd")].to_numpy() - model.mean_) / model.scale_
        same = np.isclose(donors[:, None, :], A[None, :, :], rtol=1e-9)
        assert same.all(axis=2).sum() == 0
        assert 2 < len(donors) <= 80 // 3


@every_imputer
def test_a_column_that_two_patients_have_stays_a_gap_and_nothing_of_it_is_kept(name):
    rng = np.random.default_rng(0)
    A = np.column_stack([rng.normal(size=(60, 2)), np.full((60, 3), np.nan)])
    A[[0, 1, 2], 2] = [7.25, 7.5, 31.0]  # two rows of one patient, one of another
    A[4, 3] = 1234.5  # one patient
    A[[6, 26, 46], 4] = [3.0, 5.0, 13.0]  # three patients
    model = steps[name].cls(Pooled(), mark=False).fit(A, np.arange(60) % 2, groups=np.arange(60) // 2)
    out = model._features([[0.0, np.nan, np.nan, np.nan, np.nan]])
    assert np.isnan(out).tolist() == [[False, False, True, True, False]]
    assert model.columns_.tolist() == [0, 1, 4] and len(model.mean_) == len(model.scale_) == 3


def test_a_donor_has_a_gap_where_fewer_than_three_of_its_patients_have_the_column():
    base = np.repeat([[0.0], [10.0], [20.0]], 4, axis=0) + np.tile([[0.1], [-0.1], [0.2], [0.0]], (3, 1))
    A = np.column_stack([np.tile(base, 6), np.full((12, 2), np.nan)])  # six columns decide the three groups
    A[[0, 1, 2, 4, 5], 6] = [1.0, 3.0, 5.0, 40.0, 60.0]  # three patients of one group, two of the next
    A[[3, 7, 11], 7] = [1.0, 2.0, 6.0]  # three patients, each of another group
    model = KNNImpute(Pooled(), mark=False, n_neighbours=1, n_donors=3).fit(A, np.arange(12) % 2)
    donors = model.imputer_._fit_X * model.scale_ + model.mean_
    donors = donors[np.argsort(donors[:, 0])]
    np.testing.assert_allclose(donors[:, 0], [0.05, 10.05, 20.05])
    np.testing.assert_allclose(donors[:, 6:], [[3.0, np.nan], [np.nan, np.nan], [np.nan, np.nan]])
    # By hand: the only donor of the seventh column, the mean of the eighth.
    filled = model._features([[10.0] * 6 + [np.nan, np.nan]])
    np.testing.assert_allclose(filled[0, 6:], [3.0, 3.0])


@every_imputer
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_patients_are_no_obstacle(name, n):
    A = np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 9.0]])[:n]
    model = steps[name].cls(Pooled()).fit(A, ["ill", "well", "ill"][:n])
    assert np.isfinite(model.predict_proba([[np.nan, np.nan]])).all()


@every_imputer
@pytest.mark.parametrize("method", [CORAL(), L2SP(), Pooled(task="regression")], ids=repr)
def test_any_method_runs_behind_it_and_survives_a_file(name, method):
    X, y = data()
    model = steps[name].cls(method)
    model.fit(X, y, domain=np.repeat(["s", "t"], 80), target="t", labelled=np.arange(160) < 120)
    content = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=content)
    assert all(t.startswith("medgraft.methods.") for t in types)
    again = skops.io.loads(content, trusted=types)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))


def test_steps_around_a_learner_and_around_a_method_go_together():
    X, y = data()
    inner = Pooled(estimator=steps["class-weights"].cls(estimator=LogisticLearner(penalties=[1.0])))
    model = KNNImpute(inner).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.n_features_in_ == 6


@pytest.mark.parametrize("settings", [{"n_neighbours": 0}, {"n_donors": 0}])
def test_a_number_that_makes_no_sense_is_an_error(settings):
    X, y = data()
    with pytest.raises(MedgraftError, match="whole number from 1"):
        KNNImpute(Pooled(), **settings).fit(X, y)
