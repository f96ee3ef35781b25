import math

import numpy as np
import pytest
from scipy import stats

from medgraft.base import MedgraftError
from medgraft.evidence import interval
from medgraft.evidence.paired import paired_t

RNG = np.random.default_rng(0)
ARM, CONTROL = RNG.normal(0.3, 1, 40), RNG.normal(0, 1, 40)


def test_one_row_a_patient_is_the_paired_t_test():
    got, usual = paired_t(ARM, CONTROL), stats.ttest_rel(ARM, CONTROL)
    assert got.p_value == pytest.approx(usual.pvalue, rel=1e-12)
    assert (got.lo, got.hi) == pytest.approx(tuple(usual.confidence_interval()), rel=1e-12)


def test_equally_many_rows_a_patient_are_the_test_of_their_means():
    group = np.arange(40) // 4
    means = (ARM - CONTROL).reshape(10, 4).mean(axis=1)
    usual = stats.ttest_1samp(means, 0)
    got = paired_t(ARM, CONTROL, group=group)
    assert (got.value, got.p_value) == pytest.approx((means.mean(), usual.pvalue), rel=1e-12)
    assert (got.n_groups, got.freedom) == (10, 9)


def test_unequally_many_rows_have_the_variance_of_the_bootstrap_over_patients():
    group = np.random.default_rng(1).integers(0, 30, 40) // 2
    d = ARM - CONTROL
    rng, draws = np.random.default_rng(2), []
    rows = [np.flatnonzero(group == g) for g in np.unique(group)]
    for _ in range(4000):
        draws.append(d[np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])].mean())
    assert paired_t(ARM, CONTROL, group=group).se == pytest.approx(np.std(draws), rel=0.1)
    mae = interval("mae", np.zeros(40), np.abs(d), group=group)
    assert paired_t(np.abs(d), np.zeros(40), group=group).value == pytest.approx(mae.value)


def test_the_order_of_rows_and_names_of_patients_do_not_matter():
    group = np.arange(40) % 7
    i = np.random.default_rng(3).permutation(40)
    one = paired_t(ARM, CONTROL, group=group)
    other = paired_t(ARM[i], CONTROL[i], group=[f"p{g}" for g in group[i]])
    assert (one.value, one.p_value) == pytest.approx((other.value, other.p_value), rel=1e-9)


def test_exchanging_the_arms_mirrors_the_result():
    one, other = paired_t(ARM, CONTROL), paired_t(CONTROL, ARM)
    assert (one.value, one.lo, one.hi, one.p_value) == pytest.approx(
        (-other.value, -other.hi, -other.lo, other.p_value), rel=1e-12
    )


def test_what_allows_no_test_is_said():
    one = paired_t([1.0, 2.0], [0.0, 0.0], group=["a", "a"])
    assert math.isnan(one.p_value) and "One patient" in one.note
    for step in (1.0, 0.1):  # the second leaves a rounding error
        assert "no spread" in paired_t(np.arange(9) / 7 + step, np.arange(9) / 7).note
    assert paired_t([2.0, 3.0], [2.0, 3.0]).p_value == 1.0


def test_bad_input_is_refused():
    with pytest.raises(MedgraftError, match="'control' has shape"):
        paired_t([1.0], [1.0, 2.0])
    with pytest.raises(MedgraftError, match="not finite"):
        paired_t([1.0, np.inf], [1.0, 2.0])
