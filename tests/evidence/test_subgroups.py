"""Whom an arm serves worse than its control."""

import numpy as np
import pandas as pd
import pytest

from medgraft.evidence import as_metric, choose
from medgraft.evidence.subgroups import inferior, levels

MAE = as_metric("mae")


def two_sexes(n=80, harm=1.0, seed=0):
    """An arm that gains a lot for men and loses `harm` for women."""
    rng = np.random.default_rng(seed)
    sex = np.repeat(["f", "m"], n // 2)
    control = 2.0 + 0.2 * rng.normal(size=n)
    arm = np.where(sex == "f", control + harm, control - 1.8) + 0.05 * rng.normal(size=n)
    return np.zeros(n), {"c": control, "a": arm}, sex


def test_the_bound_is_that_of_the_textbook():
    y, preds, sex = two_sexes()
    gain = (np.abs(preds["c"]) - np.abs(preds["a"]))[:40]
    se = gain.std(ddof=1) / np.sqrt(40)
    edge = -(gain.mean() + 1.645 * se)
    for margin, said in ((edge * 0.98, ["sex=f"]), (edge * 1.02, [])):
        got = inferior(MAE, y, preds, "c", {"sex": sex}, margin=margin, n_boot=20_000)
        assert got == {"a": said}


def test_the_unit_is_the_patient():
    y, preds, sex = two_sexes(harm=0.03)
    once = inferior(MAE, y, preds, "c", {"sex": sex})
    twice = {k: np.repeat(v, 2) for k, v in preds.items()}
    again = inferior(
        MAE, np.repeat(y, 2), twice, "c", {"sex": np.repeat(sex, 2)}, group=np.repeat(np.arange(80), 2)
    )
    assert once == again


@pytest.mark.parametrize(("differing", "said"), [(5, []), (6, ["sex=f"])])
def test_arms_that_differ_on_fewer_than_six_patients_are_not_compared(differing, said):
    sex = np.repeat(["f", "m"], 20)
    control = 1.0 + 0.01 * np.resize([0, 1, 2], 40)
    arm = control.copy()
    arm[:differing] += 5.0 + 0.01 * np.arange(differing)
    got = inferior(MAE, np.zeros(40), {"c": control, "a": arm}, "c", {"sex": sex})
    assert got == {"a": said}


def test_what_the_metric_cannot_see_is_no_difference():
    sex = np.repeat(["f", "m"], 20)
    label = np.resize([0, 1], 40)
    p = np.where(label == 1, 0.9, 0.1)
    arm = p * 0.99 + 0.005  # the same decisions
    arm[:5] = 1 - p[:5]
    arm, p = (np.column_stack([1 - a, a]) for a in (arm, p))
    assert inferior(as_metric("accuracy"), label, {"c": p, "a": arm}, "c", {"sex": sex}) == {"a": []}


def test_a_handful_of_patients_and_a_single_class_say_nothing():
    y, preds, sex = two_sexes(n=18)
    assert inferior(MAE, y, preds, "c", {"sex": sex}) == {"a": []}
    label = np.repeat([0, 1], 40)
    p = np.column_stack([1 - label, label]).astype(float)
    got = inferior(as_metric("auroc"), label, {"c": p, "a": p[::-1]}, "c", {"sex": np.repeat(["f", "m"], 40)})
    assert got == {"a": []}


def test_the_guard_passes_over_what_fails_some_patients_and_says_so():
    y, preds, sex = two_sexes()
    assert choose("mae", y, preds, "c").name == "a"
    got = choose("mae", y, preds, "c", subgroups={"sex": sex})
    assert got.name == "c"
    assert "a (among sex=f)" in got.reason
    assert got.table[1]["inferior_in"] == ["sex=f"]
    assert choose("mae", y, preds, "c", subgroups={"sex": sex}, margin=1.2).name == "a"


def test_the_next_best_arm_that_fails_nobody_is_taken():
    y, preds, sex = two_sexes()
    preds["fair"] = preds["c"] - 0.3
    assert choose("mae", y, preds, "c", subgroups={"sex": sex}).name == "fair"


def test_many_numbers_are_cut_in_thirds_and_few_are_kept():
    age = np.arange(30.0)
    counts = pd.Series(levels(age)).value_counts()
    assert sorted(counts.tolist()) == [10, 10, 10]
    assert set(levels([0, 1, 1])) == {"0", "1"}
    assert levels([True, None]).tolist() == ["True", "missing"]


@pytest.mark.parametrize("values", [[1.0, np.nan], np.array([2.0, np.nan])])
def test_a_missing_value_is_a_subgroup(values):
    assert levels(values)[1] == "missing"
