import json
import math

import numpy as np
import pytest
from scipy import stats

from medgraft.base import MedgraftError
from medgraft.evidence.paired import corrected_t, correlated_bayes

ARM = np.array([0.71, 0.75, 0.69, 0.80, 0.77, 0.73, 0.70, 0.78, 0.74, 0.76])
CONTROL = np.array([0.70, 0.71, 0.70, 0.76, 0.74, 0.72, 0.69, 0.79, 0.70, 0.74])


def test_without_overlap_it_is_the_usual_t_test():
    d = ARM - CONTROL
    got, usual = corrected_t(d, test_share=1e-12), stats.ttest_1samp(d, 0)
    assert got.p_value == pytest.approx(usual.pvalue, rel=1e-6)
    assert (got.lo, got.hi) == pytest.approx(tuple(usual.confidence_interval()), rel=1e-6)


def test_ten_folds_enlarge_the_variance_by_the_ratio_of_test_to_training_patients():
    d = ARM - CONTROL
    got = corrected_t(d, test_share=0.1)
    t = d.mean() / math.sqrt(d.var(ddof=1) * (1 / 10 + 1 / 9))
    assert got.p_value == pytest.approx(2 * stats.t.sf(abs(t), 9), rel=1e-12)
    assert (got.n_groups, got.freedom) == (10, 9)


def test_repeats_without_end_leave_what_one_round_of_folds_has_to_spare():
    d = np.tile(ARM - CONTROL, 1000)
    got = corrected_t(d, test_share=0.2)
    assert got.se == pytest.approx(d.std() * math.sqrt(1 / 5 + 1 / 4), rel=1e-3)  # not d.std() / 100
    assert got.freedom == 5


def test_a_second_round_that_repeats_the_first_changes_no_error_but_that_of_the_variance():
    d = ARM - CONTROL
    once, twice = (corrected_t(np.tile(d, times), test_share=0.1) for times in (1, 2))
    assert twice.se / once.se == pytest.approx(math.sqrt(20 / 19 * 9 / 10))
    assert twice.value == pytest.approx(once.value)


@pytest.mark.parametrize(
    ("splits", "share", "freedom"),
    [
        (5, 1 / 5, 4),
        (10, 1 / 10, 9),
        (30, 1 / 30, 29),
        (50, 1 / 5, 5),
        (100, 1 / 10, 9),
        (10, 1 / 2, 5),
        (3, 0.2, 2),
        (2, 0.9, 1),
    ],
)
def test_degrees_of_freedom_are_those_of_one_round_or_five_where_its_parts_are_few(splits, share, freedom):
    d = np.random.default_rng(0).normal(size=splits)
    assert corrected_t(d, test_share=share).freedom == pytest.approx(freedom)


def test_without_learning_the_variance_of_many_rounds_is_exactly_their_correction():
    # Each patient has one fixed difference: all that the splits do is to sort them into test parts.
    rng = np.random.default_rng(1)
    n, k, rounds = 40, 4, 400
    ratio = []
    for _ in range(200):
        patient = rng.normal(size=n)
        order = np.argsort(rng.random((rounds, n)), axis=1)
        d = patient[order].reshape(rounds * k, n // k).mean(axis=1)
        ratio.append((d.mean() ** 2, d.var()))
    truth, seen = np.mean(ratio, axis=0)
    error = np.std([a for a, _ in ratio]) / math.sqrt(200) / seen
    assert abs(truth / seen - 1 / (k - 1)) < 4 * error
    assert seen == pytest.approx((k - 1) / n, rel=0.1)


def test_the_posterior_of_one_round_of_folds_is_that_of_baycomp():
    got = correlated_bayes(ARM - CONTROL, test_share=0.1, rope=0.01)
    expected = 0.0058316386532775155, 0.18966691311846096, 0.8045014482282615
    assert (got.left, got.rope, got.right) == pytest.approx(expected, abs=1e-9)


def test_without_a_region_the_posterior_is_the_one_sided_p_value():
    d = ARM - CONTROL
    got = correlated_bayes(d, test_share=0.1, rope=0)
    assert got.rope == 0
    assert got.left == pytest.approx(corrected_t(d, test_share=0.1).p_value / 2, rel=1e-12)


def test_mirrored_differences_exchange_left_and_right():
    one = correlated_bayes(ARM - CONTROL, test_share=0.1, rope=0.01)
    other = correlated_bayes(CONTROL - ARM, test_share=0.1, rope=0.01)
    assert (one.left, one.rope, one.right) == pytest.approx((other.right, other.rope, other.left), abs=1e-12)
    assert (one.lo, one.hi) == pytest.approx((-other.hi, -other.lo), abs=1e-15)


def test_differences_that_are_all_the_same_are_said():
    got = corrected_t([0.1, 0.1, 0.1], test_share=0.2)
    assert math.isnan(got.p_value) and "same on every" in got.note
    bayes = correlated_bayes([0.1, 0.1, 0.1], test_share=0.2, rope=0.05)
    assert (bayes.left, bayes.rope, bayes.right) == (0, 0, 1)
    assert "same on every split" in bayes.note
    assert corrected_t([0, 0], test_share=0.2).p_value == 1
    json.dumps([got.to_dict(), bayes.to_dict()], allow_nan=False)


def test_bad_input_is_refused():
    with pytest.raises(MedgraftError, match="2 splits or more"):
        corrected_t([0.1], test_share=0.2)
    for share in (0, 1, 10):
        with pytest.raises(MedgraftError, match="between 0 and 1"):
            corrected_t([0.1, 0.2], test_share=share)
    with pytest.raises(MedgraftError, match="not finite"):
        corrected_t([0.1, np.nan], test_share=0.2)
    with pytest.raises(MedgraftError, match="rope"):
        correlated_bayes([0.1, 0.2], test_share=0.2, rope=-1)
