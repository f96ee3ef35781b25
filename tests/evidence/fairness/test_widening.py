import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.fairness import gap_change, subgroup_report


def drawn(n=120, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    y = rng.normal(size=n)
    noise = rng.normal(size=n)
    return y, y + noise * np.where(sex == "f", 1.3, 0.6), y + noise, sex


def test_the_change_is_the_difference_of_the_two_gaps_and_turns_with_the_arms():
    y, arm, control, sex = drawn()
    got = gap_change("mae", y, arm, control, sex, n_boot=300)
    back = gap_change("mae", y, control, arm, sex, n_boot=300)
    gaps = [
        subgroup_report(y, p, {"s": sex}, metrics=["mae"], n_boot=300).gaps["mae"]["s"]
        for p in (arm, control)
    ]
    assert got.change.value == pytest.approx(gaps[0].value - gaps[1].value)
    assert (got.arm.lo, got.control.hi) == (gaps[0].lo, gaps[1].hi)
    assert (got.change.lo, got.change.hi) == pytest.approx((-back.change.hi, -back.change.lo), abs=1e-12)
    json.dumps(got.to_dict(), allow_nan=False)


def test_an_arm_that_is_its_control_changes_no_gap():
    y, arm, _, sex = drawn()
    got = gap_change("mae", y, arm, arm, sex, n_boot=200)
    assert got.correlation == pytest.approx(1)
    assert (got.change.value, got.change.lo, got.change.hi) == (0, 0, 0)


def test_pairing_makes_the_interval_shorter():
    y, arm, _, sex = drawn()
    control = arm + 0.3 * np.random.default_rng(1).normal(size=120)
    got = gap_change("mae", y, arm, control, sex, n_boot=300)
    apart = np.hypot(got.arm.value - got.arm.lo, got.control.hi - got.control.value)
    assert got.correlation > 0.8 and got.change.value - got.change.lo < 0.6 * apart


def test_one_level_is_no_gap():
    y, arm, control, _ = drawn()
    with pytest.raises(MedgraftError, match="Fewer than two levels"):
        gap_change("mae", y, arm, control, np.where(np.arange(120) < 4, "f", "m"))


def test_a_gap_that_may_be_zero_lends_its_lower_end_and_not_its_estimate():
    rng = np.random.default_rng(3)
    sex, y = np.repeat(["f", "m"], 60), np.zeros(120)
    arm, control = rng.normal(size=120), rng.normal(size=120) * np.where(sex == "f", 2.5, 1.0)
    got = gap_change("mae", y, arm, control, sex, n_boot=300)
    assert got.arm.lo == 0 < got.control.lo
    assert got.change.lo == pytest.approx(-got.control.hi)
    assert (
        got.change.hi < got.arm.hi - got.control.lo
    )  # and on the other side the two errors add in quadrature
