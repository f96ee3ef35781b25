"""A trial in which each patient in turn is the target and the later records are tested."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.trial.tasks import fit


@pytest.fixture
def course():
    rng = np.random.default_rng(0)
    day = np.tile(np.arange(20.0), 8)
    who = np.repeat([f"secret-{i}" for i in range(8)], 20)
    level, slope = np.repeat(rng.normal(20, 8, 8), 20), np.repeat(rng.normal(0, 0.3, 8), 20)
    frame = pd.DataFrame({"who": who, "day": day, "voice": rng.normal(size=160)})
    frame["score"] = level + slope * day + 0.1 * rng.normal(size=160)
    return mg.read(frame, label="score", group="who", time="day")


ARMS = ["last-value", "trend", "target-only", "pooled", "source-only", "guarded"]


def test_the_naive_controls_are_what_a_hand_computation_gives(course, tmp_path):
    result = mg.Trial(course, ARMS, folds="time", first=0.3).run(tmp_path)
    frame = course.table
    last, line = [], []
    for _, own in frame.groupby("who"):
        early, late = own.iloc[:6], own.iloc[6:]
        last += (late["score"] - early["score"].iloc[-1]).abs().tolist()
        b, a = np.polyfit(early["day"], early["score"], 1)
        line += (late["score"] - a - b * late["day"]).abs().tolist()
    found = {a["name"]: a["value"] for a in result.arms}
    assert found["last-value"] == pytest.approx(np.mean(last), rel=1e-9)
    assert found["trend"] == pytest.approx(np.mean(line), rel=1e-6)
    assert result.data["control"] == "last-value"
    assert result.data["n_patients"] == 8


def test_no_name_of_a_patient_is_written_and_no_model_is_saved(course, tmp_path):
    mg.Trial(course, ARMS, folds="time").run(tmp_path)
    assert not (tmp_path / "graft").exists()
    for name in ("result.json", "plan.json", "log.jsonl"):
        assert "secret" not in (tmp_path / name).read_text()
    assert json.loads((tmp_path / "result.json").read_text())["design"]["kind"] == "time-ordered"


def test_a_method_sees_the_patient_as_target_and_stretches_of_time_as_units(course):
    trial = mg.Trial(course, ["target-only"], folds="time")
    split = trial.splits[3]

    class Probe:
        def fit(self, X, y, **given):
            self.given = given
            return self

    given = fit(Probe(), trial.arrays, split).given
    assert given["target"] == "secret-3"
    own = given["domain"] == "secret-3"
    assert own.sum() == 6
    assert len(np.unique(given["groups"][own])) == 5
    assert not set(given["groups"][own]) & set(given["groups"][~own])
    assert given["labelled"].all()


def test_labels_of_later_records_never_reach_a_method(course):
    trial = mg.Trial(course, ["pooled"], folds="time")
    split = trial.splits[0]
    a = trial.arrays
    scrambled = a.y.copy()
    scrambled[split.test] = 1e6
    arm = trial.arms[-1]
    one = fit(trial.build(arm, split), a, split)
    a.y.setflags(write=True)
    a.y[:] = scrambled
    two = fit(trial.build(arm, split), a, split)
    np.testing.assert_array_equal(one.predict(a.X), two.predict(a.X))


@pytest.mark.parametrize("more", [{"repeats": 2}, {"labels_per_class": 5}, {"target": "secret-1"}])
def test_what_has_no_meaning_in_a_time_ordered_trial_is_refused(course, more):
    with pytest.raises(MedgraftError, match="--folds time"):
        mg.Trial(course, folds="time", **more)


def test_last_value_needs_a_time_ordered_trial(course):
    with pytest.raises(MedgraftError, match="--folds time"):
        mg.Trial(course, ["last-value"], folds=3)


@pytest.mark.parametrize("arms", [ARMS, ["last-value", "pooled"]])
def test_a_trial_that_cannot_look_at_protected_attributes_says_so(course, tmp_path, arms):
    table = course.table.assign(sex=np.repeat(["f", "m"], 80))
    cohort = mg.read(table, label="score", group="who", time="day", protected="sex")
    said = mg.Trial(cohort, arms, folds="time").run(tmp_path).data["warnings"]
    told = [w for w in said if "protected attributes" in w]
    assert len(told) == 1
    assert ("one patient at a time" if "guarded" in arms else "it is the arm 'guarded'") in told[0]
