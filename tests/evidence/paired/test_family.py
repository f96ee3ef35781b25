import json
import math

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import as_metric, compare
from medgraft.evidence.paired import family, holm
from medgraft.evidence.paired.family import joint_level

N = 60


def arms(seed=0, gains=(0.6, 0.15, 0.0)):
    """Absolute errors: the control is off by about two, the arms by less."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=N)
    preds = {"control": y + 2 + 0.5 * rng.normal(size=N)}
    for i, gain in enumerate(gains):
        preds[f"arm {i}"] = y + 2 - gain + 0.5 * rng.normal(size=N)
    return y, preds


def test_each_arm_alone_is_what_compare_says():
    y, preds = arms()
    group = np.arange(N) // 2
    got = family("mae", y, preds, "control", group=group, n_boot=300, seed=3)
    assert list(got) == ["arm 0", "arm 1", "arm 2"]
    for name, arm in got.items():
        assert arm.alone == compare("mae", y, preds[name], preds["control"], group=group, n_boot=300, seed=3)


@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_the_p_value_is_where_the_interval_of_compare_begins_to_give_a_verdict(margin):
    y, preds = arms()
    for name, arm in family("mae", y, preds, "control", n_boot=300, margin=margin).items():
        if 1e-6 < arm.p_value < 1:
            verdicts = [
                compare(
                    "mae", y, preds[name], preds["control"], n_boot=300, level=1 - p, margin=margin
                ).verdict
                for p in (0.999 * arm.p_value, 1.001 * arm.p_value)
            ]
            assert verdicts[0] == "inconclusive" != verdicts[1]


def test_the_adjusted_p_values_are_holms_and_give_the_verdicts():
    y, preds = arms(gains=(0.6, 0.22, -0.4, 0.0))
    got = family("mae", y, preds, "control", n_boot=500)
    adjusted = [arm.p_adjusted for arm in got.values()]
    np.testing.assert_array_equal(adjusted, holm([arm.p_value for arm in got.values()]))
    for name, arm in got.items():
        worse = np.abs(preds[name] - y).mean() > np.abs(preds["control"] - y).mean()
        wanted = "inconclusive" if arm.p_adjusted > 0.05 else "harms" if worse else "helps"
        assert arm.verdict == wanted
    assert [got[f"arm {i}"].verdict for i in (0, 2)] == ["helps", "harms"]


def test_a_single_arm_pays_nothing():
    y, preds = arms(gains=(0.2,))
    (arm,) = family("mae", y, preds, "control", n_boot=300).values()
    assert arm.p_adjusted == arm.p_value
    assert (arm.lo, arm.hi, arm.verdict) == (arm.alone.lo, arm.alone.hi, arm.alone.verdict)


def test_p_values_are_no_smaller_than_differing_patients_allow():
    y = np.zeros(40)
    arm = np.ones(40)
    arm[:8] = 0.0
    (got,) = family("mae", y, {"c": np.ones(40), "a": arm}, "c", n_boot=500).values()
    assert got.alone.n_differ == 8
    assert got.p_value >= 2 * 0.5**8
    arm[5:] = 1.0
    (got,) = family("mae", y, {"c": np.ones(40), "a": arm}, "c", n_boot=500).values()
    assert (got.p_value, got.verdict) == (1.0, "inconclusive")


def test_simultaneous_intervals_hold_those_of_each_arm_and_lie_in_those_of_bonferroni():
    y, preds = arms()
    got = family("mae", y, preds, "control", n_boot=1000)
    for name, arm in got.items():
        bonferroni = compare("mae", y, preds[name], preds["control"], n_boot=1000, level=1 - 0.05 / 3)
        assert bonferroni.lo <= arm.lo <= arm.alone.lo
        assert arm.alone.hi <= arm.hi <= bonferroni.hi


def test_arms_that_move_together_need_no_wider_intervals():
    draws = np.random.default_rng(0).normal(size=(1, 4000))
    assert joint_level(np.repeat(draws, 5, axis=0), 0.95) == pytest.approx(0.95, abs=1e-3)


def test_independent_arms_need_the_level_of_sidak():
    draws = np.random.default_rng(0).normal(size=(4, 40000))
    assert joint_level(draws, 0.95) == pytest.approx(0.95 ** (1 / 4), abs=2e-3)


def test_at_the_joint_level_that_share_of_resamples_has_every_arm_inside():
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(1, 20000)) + rng.normal(size=(6, 20000))
    beta = 1 - joint_level(draws, 0.9)
    lo, hi = np.quantile(draws, [beta / 2, 1 - beta / 2], axis=1)
    assert ((draws >= lo[:, None]) & (draws <= hi[:, None])).all(axis=0).mean() == pytest.approx(
        0.9, abs=2e-3
    )


def test_an_arm_that_predicts_the_same_or_cannot_be_judged_is_inconclusive():
    y, preds = arms(gains=(0.6,))
    preds["same"] = preds["control"].copy()
    got = family("mae", y, preds, "control", n_boot=300)
    assert (got["same"].p_value, got["same"].verdict, got["same"].lo) == (1.0, "inconclusive", 0.0)
    assert got["arm 0"].verdict == "helps"
    one_class = np.zeros(9, int)
    p = np.random.default_rng(0).dirichlet([1, 1], size=(2, 9))
    (lost,) = family("auroc", one_class, {"c": p[0], "a": p[1]}, "c", n_boot=50).values()
    assert math.isnan(lost.lo) and lost.verdict == "inconclusive"
    json.dumps(lost.to_dict(), allow_nan=False)


def test_the_direction_is_that_of_the_metric():
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    s = np.stack([0.1 * y + rng.random(80), 3 * y + rng.random(80)]) / 5
    control, good = (np.stack([1 - x, x], axis=1) for x in s)
    assert as_metric("auroc").better == "higher"
    (arm,) = family("auroc", y, {"c": control, "a": good}, "c", n_boot=300).values()
    assert arm.verdict == "helps"
    (arm,) = family("brier", y, {"c": good, "a": control}, "c", n_boot=300).values()
    assert arm.verdict == "harms"


def test_bad_input_is_refused():
    y, preds = arms()
    with pytest.raises(MedgraftError, match="no arm 'contrl' to be the control. Did you mean 'control'"):
        family("mae", y, preds, "contrl")
    with pytest.raises(MedgraftError, match="an arm beside its control"):
        family("mae", y, {"control": preds["control"]}, "control")
    with pytest.raises(MedgraftError, match="margin"):
        family("mae", y, preds, "control", margin=-1)
    p = np.eye(2)[np.arange(6) % 2]
    with pytest.raises(MedgraftError, match="'a' predicts shape"):
        family("accuracy", np.arange(6) % 2, {"c": p, "a": np.eye(3)[np.arange(6) % 3]}, "c")
