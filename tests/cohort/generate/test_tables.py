"""What a generated table says of itself is true of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression

from medgraft.base import MedgraftError
from medgraft.cohort.generate import TableModel, table

BIG = 40_000


def _x(frame):
    return frame.filter(regex=r"^x\d+$").to_numpy()


def _score(model, site):
    """The best linear score of a site for its own rows, without the intercept."""
    return model.truth.coefficients[site]


def test_the_same_seed_gives_the_same_table_and_another_seed_another():
    pd.testing.assert_frame_equal(table(30, 4, seed=3), table(30, 4, seed=3))
    assert not table(30, 4, seed=3).equals(table(30, 4, seed=4))


def test_two_classes_agree_with_the_closed_form_of_discriminant_analysis():
    model = TableModel(effect=1.5, prevalence=0.3, concept=0.5)
    t = -np.log(0.3 / 0.7) / 1.5
    best = 0.3 * norm.cdf(0.75 - t) + 0.7 * norm.cdf(0.75 + t)
    moved = 0.3 * norm.cdf(0.75 * np.cos(0.5) - t) + 0.7 * norm.cdf(0.75 * np.cos(0.5) + t)
    assert model.truth.accuracy["a"] == pytest.approx(best, abs=1e-8)
    assert model.truth.transfer["b"] == pytest.approx(moved, abs=1e-8)
    assert model.truth.auc["b"] == pytest.approx(norm.cdf(1.5 / np.sqrt(2)))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"shift": 3.0},
        {"offset": 1.0},
        {"concept": 0.8},
        {"prevalence": (0.5, 0.15)},
        {"offset": -0.7, "concept": 1.2, "shift": 1.0, "prevalence": (0.3, 0.8), "effect": 1.2},
        {"task": "multiclass", "offset": 0.5, "concept": 0.7, "prevalence": (0.2, 0.6)},
        {"rows_per_patient": (1, 3), "similarity": 0.8, "concept": 0.8, "mixed_labels": True},
    ],
)
def test_simulated_accuracy_is_the_stated_one_at_home_and_away(settings):
    model = TableModel(BIG, 8, seed=5, **settings)
    frame = model.draw()
    home, away = frame["site"] == "a", frame["site"] == "b"
    x, y = _x(frame), frame["label"]

    def fit(rows):
        return LogisticRegression(C=1e6).fit(x[rows], y[rows])

    source, target = fit(home), fit(away)
    # A fitted rule is worse than the best by O(p / n); the sampling error of a share is at most 0.0036.
    assert source.score(x[home], y[home]) == pytest.approx(model.truth.accuracy["a"], abs=0.01)
    assert target.score(x[away], y[away]) == pytest.approx(model.truth.accuracy["b"], abs=0.01)
    assert source.score(x[away], y[away]) == pytest.approx(model.truth.transfer["b"], abs=0.015)


def test_logistic_regression_recovers_the_coefficients_of_each_site():
    model = TableModel(BIG, 6, concept=1.0, shift=2.0, offset=1.0)
    frame = model.draw()
    for site in "ab":
        rows = frame["site"] == site
        fitted = LogisticRegression(C=1e6).fit(_x(frame)[rows], frame["label"][rows]).coef_[0]
        assert np.abs(fitted - _score(model, site)).max() < 0.12
    cosine = _score(model, "a") @ _score(model, "b") / 4
    assert cosine == pytest.approx(np.cos(1.0))


def test_covariate_shift_moves_the_mean_by_what_is_said_and_leaves_the_rule():
    model = TableModel(BIG, 6, shift=1.5)
    frame = model.draw()
    gap = _x(frame[frame["site"] == "b"]).mean(axis=0) - _x(frame[frame["site"] == "a"]).mean(axis=0)
    assert np.linalg.norm(model.truth.means["b"]) == pytest.approx(1.5)
    assert np.abs(gap - model.truth.means["b"]).max() < 0.06
    assert model.truth.transfer == model.truth.accuracy
    assert model.truth.means["b"] @ _score(model, "b") == pytest.approx(0, abs=1e-9)


def test_aligning_the_means_undoes_a_measurement_shift():
    model = TableModel(BIG, 6, offset=2.0)
    frame = model.draw()
    x, home = _x(frame), (frame["site"] == "a").to_numpy()
    rule = LogisticRegression(C=1e6).fit(x[home], frame["label"][home])
    aligned = x[~home] - model.truth.means["b"]
    plain = rule.score(x[~home], frame["label"][~home])
    assert plain == pytest.approx(model.truth.transfer["b"], abs=0.01) and plain < 0.6
    assert rule.score(aligned, frame["label"][~home]) == pytest.approx(model.truth.accuracy["b"], abs=0.01)


def test_half_a_turn_of_the_concept_is_as_wrong_as_it_was_right():
    truth = TableModel(concept=np.pi).truth
    assert truth.transfer["b"] == pytest.approx(1 - truth.accuracy["a"], abs=1e-8)


def test_regression_has_the_stated_r2_at_home_and_away():
    model = TableModel(BIG, 5, task="regression", concept=0.6, offset=0.5, effect=1.5)
    frame = model.draw()
    home = (frame["site"] == "a").to_numpy()
    x, y = _x(frame), frame["label"].to_numpy()
    rule = LinearRegression().fit(x[home], y[home])
    assert np.abs(rule.coef_ - model.truth.coefficients["a"]).max() < 0.03
    assert rule.score(x[home], y[home]) == pytest.approx(model.truth.accuracy["a"], abs=0.01)
    assert rule.score(x[~home], y[~home]) == pytest.approx(model.truth.transfer["b"], abs=0.03)


def test_prevalence_is_kept_exactly_and_sites_are_equal():
    frame = table(400, 4, prevalence={"a": 0.25, "b": 0.7}, rows_per_patient=2)
    patients = frame.drop_duplicates("patient")
    assert patients["site"].value_counts().to_dict() == {"a": 200, "b": 200}
    ill = patients.groupby("site")["label"].apply(lambda s: (s == "ill").sum())
    assert ill.to_dict() == {"a": 50, "b": 140}


def test_a_patient_has_one_label_unless_mixed_ones_are_asked_for():
    whole, mixed = table(60, 4, rows_per_patient=(2, 5)), table(60, 4, rows_per_patient=4, mixed_labels=True)
    assert whole.groupby("patient")["label"].nunique().max() == 1
    assert set(whole.groupby("patient").size()) == {2, 3, 4, 5}
    assert mixed.groupby("patient")["label"].nunique().max() == 2


@pytest.mark.parametrize("similarity", [0.0, 0.5, 1.0])
def test_rows_of_a_patient_correlate_as_said(similarity):
    frame = table(20_000, 3, rows_per_patient=2, similarity=similarity, prevalence=0.0)
    x = _x(frame[frame["label"] == "healthy"])
    assert np.corrcoef(x[0::2, 0], x[1::2, 0])[0, 1] == pytest.approx(similarity, abs=0.03)
    assert x.std(axis=0) == pytest.approx(np.ones(3), abs=0.03)


def test_missing_cells_have_the_stated_share_in_each_class():
    frame = table(4000, 5, missing=(0.05, 0.4))
    share = frame.groupby("label")[["x1", "x2", "x3", "x4", "x5"]].apply(lambda f: f.isna().to_numpy().mean())
    assert share["healthy"] == pytest.approx(0.05, abs=0.01)
    assert share["ill"] == pytest.approx(0.4, abs=0.02)
    assert table(50, 4).notna().all(axis=None)


def test_middle_sites_have_their_part_of_the_shift():
    model = TableModel(30, 5, sites=("a", "b", "c"), shift=2.0, concept=1.0)
    assert [np.linalg.norm(m) for m in model.truth.means.values()] == pytest.approx([0, 1, 2])
    assert [c["concept"] for c in model.truth.changes.values()] == [0, 0.5, 1]


@pytest.mark.parametrize(
    "settings",
    [
        {"n_patients": 0},
        {"n_features": 2},
        {"task": "survival"},
        {"task": "multiclass", "n_features": 6},
        {"prevalence": 1.5},
        {"prevalence": (0.1, 0.2, 0.3)},
        {"prevalence": {"c": 0.1}},
        {"missing": 1.0},
        {"missing": (0.1, 0.2, 0.3)},
        {"sites": ("a", "a")},
        {"classes": ("x", "y", "z")},
        {"rows_per_patient": 0},
        {"rows_per_patient": (3, 2)},
        {"task": "regression", "prevalence": 0.2},
        {"similarity": 2.0},
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(settings):
    with pytest.raises(MedgraftError, match=r"\.$"):
        TableModel(**settings)
