import json
import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from medgraft.evidence.calibration import calibration_slope


def drawn(n=150, slope=0.7, intercept=0.4, seed=0):
    rng = np.random.default_rng(seed)
    line = rng.normal(-0.5, 1.3, n)
    return (rng.random(n) < expit(intercept + slope * line)).astype(int), expit(line)


def test_slope_and_intercept_are_those_of_logistic_regression():
    y, p = drawn()
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(logit(p)[:, None], y)
    found = calibration_slope(y, p)
    assert found.slope.value == pytest.approx(fit.coef_[0, 0], abs=1e-6)
    assert found.intercept.value == pytest.approx(fit.intercept_[0], abs=1e-6)


def test_in_the_large_makes_the_mean_prediction_the_prevalence():
    y, p = drawn()
    shift = calibration_slope(y, p).in_the_large.value
    assert expit(logit(p) + shift).mean() == pytest.approx(y.mean(), abs=1e-10)


def test_two_predictions_are_recalibrated_to_what_was_seen():
    # Said 0.2, came true in 3 of 10; said 0.7, in 6 of 10.
    y, p = np.r_[[1] * 3 + [0] * 7, [1] * 6 + [0] * 4], np.repeat([0.2, 0.7], 10)
    slope = (logit(0.6) - logit(0.3)) / (logit(0.7) - logit(0.2))
    found = calibration_slope(y, p)
    assert found.slope.value == pytest.approx(slope, abs=1e-9)
    assert found.intercept.value == pytest.approx(logit(0.6) - slope * logit(0.7), abs=1e-9)


def test_the_interval_of_the_shift_at_equal_predictions_is_that_of_a_leave_one_out_step():
    # All said 0.5, k of n came true: a patient left out moves logit(k/n) by (o - q) / ((n - 1) q (1 - q)).
    y = np.r_[np.ones(12), np.zeros(18)].astype(int)
    found = calibration_slope(y, np.full(30, 0.5)).in_the_large
    q = 12 / 30
    se = math.sqrt(29 / 30 * ((y - q) ** 2).sum()) / (29 * q * (1 - q))
    half = stats.t.ppf(0.975, 29) * se
    assert (found.lo, found.hi) == pytest.approx((logit(q) - half, logit(q) + half), abs=1e-9)


def test_the_variance_is_nearly_that_of_leaving_each_patient_out():
    y, p = drawn(200)
    group = np.arange(200) // 2
    slopes = np.array([calibration_slope(y[group != g], p[group != g]).slope.value for g in range(100)])
    jackknife = math.sqrt(99 / 100 * ((slopes - slopes.mean()) ** 2).sum())
    found = calibration_slope(y, p, group=group).slope
    assert (found.hi - found.lo) / 2 / 1.984 == pytest.approx(jackknife, rel=0.03)


def test_repeated_rows_of_a_patient_are_worth_no_more_than_one():
    y, p = drawn(60)
    one = calibration_slope(y, p)
    many = calibration_slope(np.repeat(y, 5), np.repeat(p, 5), group=np.repeat(np.arange(60), 5))
    for name in ("slope", "intercept", "in_the_large"):
        a, b = getattr(one, name), getattr(many, name)
        assert (b.value, b.lo, b.hi) == pytest.approx((a.value, a.lo, a.hi), abs=1e-7)


def test_a_class_against_the_rest_is_the_event_of_two_columns():
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 90), rng.dirichlet(np.ones(3), 90)
    assert calibration_slope(y, p, of=2) == calibration_slope((y == 2).astype(int), p[:, 2])
    top = calibration_slope(y, p)
    assert top == calibration_slope((p.argmax(axis=1) == y).astype(int), p.max(axis=1))


def test_renaming_the_event_mirrors_the_intercept_and_keeps_the_slope():
    y, p = drawn()
    a, b = calibration_slope(y, p), calibration_slope(1 - y, 1 - p)
    assert b.slope.value == pytest.approx(a.slope.value, abs=1e-8)
    assert (b.intercept.lo, b.intercept.hi) == pytest.approx((-a.intercept.hi, -a.intercept.lo), abs=1e-8)


def test_what_cannot_be_told_is_said():
    assert "one kind" in calibration_slope([0, 0], [0.2, 0.4]).slope.note
    assert "equal" in calibration_slope([0, 1, 0], [0.4] * 3).slope.note
    apart = calibration_slope([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert "separate" in apart.slope.note
    assert math.isfinite(apart.in_the_large.value)
    assert "separate" in calibration_slope([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]).slope.note
    lone = calibration_slope([0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9], group=[0, 0, 0, 1])
    assert "one patient" in lone.slope.note
    assert math.isnan(lone.slope.lo)


def test_predictions_of_0_and_1_are_counted_and_the_result_is_json():
    y, p = drawn()
    found = calibration_slope(np.r_[y, 0, 1], np.r_[p, 0.0, 1.0])
    assert found.slope.note.startswith("2 predictions are 0 or 1")
    assert json.loads(json.dumps(found.to_dict()))["slope"]["value"] == found.slope.value


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 3])
def test_nineteen_of_twenty_intervals_hold_the_truth_at_fifty_patients(rows):
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(1000):
        group = np.repeat(np.arange(50), rows)
        line = -0.5 + 1.2 * rng.normal(size=50)[group] + 0.5 * rng.normal(size=len(group))
        same = rng.random(50)[group]
        chance = np.where(rng.random(len(group)) < 0.5, same, rng.random(len(group)))
        found = calibration_slope((chance < expit(line)).astype(int), expit(line), group=group)
        inside.append([c.lo <= t <= c.hi for c, t in ((found.slope, 1), (found.in_the_large, 0))])
    assert np.abs(np.mean(inside, axis=0) - 0.95).max() < 0.025
