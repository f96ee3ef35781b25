import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

from medgraft.base import MedgraftError
from medgraft.evidence.metrics import metrics
from medgraft.evidence.paired import delong_interval, delong_test

Y = np.array([0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1])
ARM = np.array([2, 7, 3, 5, 5, 9, 1, 4, 4, 2, 8, 6, 6, 9, 3, 1, 5, 7, 2, 3.0])
CONTROL = np.array([3, 5, 3, 6, 5, 7, 2, 2, 4, 4, 6, 6, 7, 5, 1, 3, 5, 8, 2, 1.0])


def naive(y, *scores, group=None):
    """AUROCs and their covariance pair by pair, as in Obuchowski 1997 (DeLong's with one row a patient)."""
    group = np.arange(len(y)) if group is None else np.asarray(group)
    yes, no = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    m, n = len(yes), len(no)
    kernel = [
        [[(s[i] > s[j]) + 0.5 * (s[i] == s[j]) for j in no] for i in yes] for s in map(np.asarray, scores)
    ]
    theta = [np.mean(k) for k in kernel]
    people = list(dict.fromkeys(group.tolist()))
    with_event = len(set(group[yes].tolist()))
    without = len(set(group[no].tolist()))
    covariance = np.zeros((len(scores), len(scores)))
    x = np.zeros((len(scores), len(people)))
    z = np.zeros((len(scores), len(people)))
    for r, k in enumerate(kernel):
        for p, person in enumerate(people):
            x[r, p] = sum(np.mean(k[i]) - theta[r] for i in range(m) if group[yes[i]] == person)
            z[r, p] = sum(
                np.mean([k[i][j] for i in range(m)]) - theta[r] for j in range(n) if group[no[j]] == person
            )
    for r, s in itertools.product(range(len(scores)), repeat=2):
        s10 = with_event / ((with_event - 1) * m) * x[r] @ x[s]
        s01 = without / ((without - 1) * n) * z[r] @ z[s]
        s11 = len(people) / (len(people) - 1) * (x[r] @ z[s] + z[r] @ x[s])
        covariance[r, s] = s10 / m + s01 / n + s11 / (m * n)
    return np.array(theta), covariance


def mixed(seed, n=60, people=25):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    scores = np.round(y + rng.normal(size=(2, n)), 1)  # with ties
    return y, *scores, rng.integers(0, people, n)


def test_the_variances_are_those_of_two_other_implementations():
    # MLstatkit 0.1.91: both AUROCs, the variance of their difference, its p-value by the normal distribution.
    got = delong_test(Y, ARM, CONTROL)
    assert got.value == pytest.approx(0.8888888888888888 - 0.7171717171717171, abs=1e-12)
    assert got.se**2 == pytest.approx(0.0056205999387817585, rel=1e-9)
    assert 2 * stats.norm.sf(got.value / got.se) == pytest.approx(0.02199476318986453, rel=1e-9)
    # confidenceinterval 1.0.5: the variance of each. A constant score adds none.
    for score, variance in ((ARM, 0.0050721863866059315), (CONTROL, 0.017164064642870954)):
        assert delong_test(Y, score, np.zeros(20)).se ** 2 == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_patients_of_one_row_have_the_variance_of_delong(seed):
    y, arm, control, _ = mixed(seed)
    theta, v = naive(y, arm, control)
    got = delong_test(y, arm, control)
    assert got.value == pytest.approx(theta[0] - theta[1], abs=1e-12)
    assert got.se**2 == pytest.approx(v[0, 0] + v[1, 1] - 2 * v[0, 1], rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_rows_of_both_kinds_in_one_patient_have_the_variance_of_obuchowski(seed):
    y, arm, control, group = mixed(seed)
    theta, v = naive(y, arm, control, group=group)
    got = delong_test(y, arm, control, group=group)
    assert got.value == pytest.approx(theta[0] - theta[1], abs=1e-12)
    assert got.se**2 == pytest.approx(v[0, 0] + v[1, 1] - 2 * v[0, 1], rel=1e-10)
    assert got.n_groups == len(np.unique(group))


def test_the_interval_is_symmetric_on_the_logit_scale():
    theta, v = naive(Y, ARM)
    got = delong_interval(Y, ARM)
    assert got.value == pytest.approx(theta[0], abs=1e-12)
    middle = (logit(got.lo) + logit(got.hi)) / 2
    assert middle == pytest.approx(logit(got.value), abs=1e-9)
    half = (logit(got.hi) - logit(got.lo)) / 2 / (math.sqrt(v[0, 0]) / (got.value * (1 - got.value)))
    assert stats.t.ppf(0.975, 20) < half < stats.t.ppf(0.975, 8)  # between the patients of a class and all


def test_the_degrees_of_freedom_are_those_of_welch_for_two_samples():
    y, arm, control, _ = mixed(1)
    got = delong_test(y, arm, control)
    s1, s0 = [], []
    for i in range(len(y)):
        other = [s[y != y[i]] for s in (arm, control)]
        place = [np.mean((s[i] > o) + 0.5 * (s[i] == o)) for s, o in zip((arm, control), other, strict=True)]
        (s1 if y[i] else s0).append(place[0] - place[1])
    a, b = np.var(s1, ddof=1) / len(s1), np.var(s0, ddof=1) / len(s0)
    assert got.freedom == pytest.approx(
        (a + b) ** 2 / (a**2 / (len(s1) - 1) + b**2 / (len(s0) - 1)), rel=1e-9
    )


def test_value_interval_and_p_value_say_the_same():
    got = delong_test(Y, ARM, CONTROL)
    at_p = delong_test(Y, ARM, CONTROL, level=1 - got.p_value)
    assert min(abs(at_p.lo), abs(at_p.hi)) == pytest.approx(0, abs=1e-12)


def test_the_auroc_is_that_of_the_metric():
    y, arm, _, _ = mixed(2)
    p = expit(arm)
    assert delong_interval(y, arm).value == pytest.approx(
        metrics["auroc"].value(y, np.stack([1 - p, p], axis=1))
    )


def test_exchanging_the_arms_mirrors_the_result():
    y, arm, control, group = mixed(3)
    one, other = delong_test(y, arm, control, group=group), delong_test(y, control, arm, group=group)
    assert (one.value, one.lo, one.hi) == pytest.approx((-other.value, -other.hi, -other.lo), abs=1e-12)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-12)


def test_exchanging_the_classes_mirrors_the_result():
    y, arm, control, group = mixed(3)
    one, other = delong_test(y, arm, control, group=group), delong_test(1 - y, arm, control, group=group)
    assert (one.value, one.p_value) == pytest.approx((-other.value, other.p_value), abs=1e-12)


def test_the_order_of_rows_names_of_patients_and_scales_do_not_matter():
    y, arm, control, group = mixed(0)
    before = [x.copy() for x in (y, arm, control, group)]
    one = delong_test(y, arm, control, group=group)
    i = np.random.default_rng(1).permutation(len(y))
    other = delong_test(y[i], np.exp(arm[i]), 3 * control[i] - 7, group=[f"patient {g}" for g in group[i]])
    assert (one.value, one.se, one.p_value) == pytest.approx((other.value, other.se, other.p_value), rel=1e-9)
    for x, kept in zip((y, arm, control, group), before, strict=True):
        np.testing.assert_array_equal(x, kept)


def test_copies_of_every_row_in_the_same_patient_add_nothing():
    y, arm, control, _ = mixed(1)
    one = delong_test(y, arm, control)
    twice = delong_test(*(np.tile(x, 2) for x in (y, arm, control)), group=np.tile(np.arange(len(y)), 2))
    assert (one.value, one.se, one.freedom) == pytest.approx((twice.value, twice.se, twice.freedom), rel=1e-9)


def test_one_class_only_is_said():
    got = delong_test(np.zeros(5), np.arange(5), np.arange(5))
    assert math.isnan(got.value) and math.isnan(got.p_value)
    assert "one class" in got.note
    assert "one class" in delong_interval(np.ones(5), np.arange(5)).note
    json.dumps(got.to_dict(), allow_nan=False)


def test_one_patient_of_a_class_is_said():
    y = [1, 1, 0, 0, 0, 0]
    got = delong_test(y, [5, 3, 1, 4, 2, 0], [1, 2, 3, 4, 5, 6], group=[0, 0, 1, 2, 3, 4])
    assert math.isnan(got.lo) and "One patient" in got.note
    assert "One patient" in delong_interval(y, [5, 3, 1, 4, 2, 0], group=[0, 0, 1, 2, 3, 4]).note


def test_all_in_order_has_the_exact_bound_over_pairs_of_patients():
    got = delong_interval([0, 0, 0, 0, 1, 1, 1], np.arange(7))
    assert (got.value, got.lo, got.hi) == (1.0, pytest.approx(0.025 ** (1 / 3)), 1.0)
    got = delong_interval([1, 1, 1, 1, 0, 0, 0], np.arange(7))
    assert (got.value, got.lo, got.hi) == (0.0, 0.0, pytest.approx(1 - 0.025 ** (1 / 3)))


def test_scores_that_rank_alike_do_not_differ():
    got = delong_test(Y, ARM, ARM**3 + 2)
    assert (got.value, got.lo, got.hi, got.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert "do not differ" in got.note


def test_no_spread_with_a_difference_is_said_and_gives_no_p_value():
    got = delong_test([0, 0, 0, 1, 1, 1], np.arange(6), np.zeros(6))
    assert got.value == 0.5
    assert math.isnan(got.p_value) and math.isnan(got.lo)
    assert "no spread" in got.note


def test_a_constant_score_has_an_auroc_of_one_half():
    got = delong_interval(Y, np.ones(20))
    assert (got.value, got.lo, got.hi) == (0.5, 0.5, 0.5)
    assert "no spread" in got.note


def test_bad_input_is_refused():
    with pytest.raises(MedgraftError, match="0 or 1"):
        delong_test([0, 1, 2], [1, 2, 3], [1, 2, 3])
    with pytest.raises(MedgraftError, match="'control' has shape"):
        delong_test([0, 1, 1], [1, 2, 3], [1, 2])
    with pytest.raises(MedgraftError, match="not finite"):
        delong_interval([0, 1, 1], [1, np.nan, 3])
    with pytest.raises(MedgraftError, match="'group' has shape"):
        delong_interval([0, 1, 1], [1, 2, 3], group=[1, 2])
    with pytest.raises(MedgraftError, match="must hold numbers"):
        delong_interval([0, 1, 1], ["a", "b", "c"])
    with pytest.raises(MedgraftError, match="level"):
        delong_interval([0, 1, 1], [1, 2, 3], level=95)
