"""Each section against evidence computed anew from the same predictions."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from medgraft.evidence import as_metric, interval
from medgraft.evidence.calibration import calibration_slope
from medgraft.evidence.decision import cross_decisions
from medgraft.evidence.harm import transfer_gap
from medgraft.report import build, words
from medgraft.report.read import read_run
from medgraft.report.sections import settled
from medgraft.report.sections.arrays import arrays, folds_of_patients
from medgraft.report.sections.decisions import decisions
from medgraft.report.sections.harm import harm
from medgraft.report.sections.minute import minute
from medgraft.report.sections.registry import found_in
from medgraft.report.sections.settled import needed, together
from medgraft.report.sections.subgroups import subgroups
from medgraft.report.sections.uncertainty import uncertainty
from medgraft.report.view import View

NOTHING = dict.fromkeys(("decisions", "calibration", "subgroups", "needed"))


@pytest.fixture
def view(make):
    folder, _ = make()
    return View(read_run(folder))


def own(folder, result, arm):
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame = frame[(frame["arm"] == arm) & (frame["budget"] == result["budget"])]
    return frame.sort_values(["repeat", "fold", "row"], kind="stable")


def test_arrays_are_the_rows_of_one_arm_and_the_first_repeat_tests_each_once(make):
    folder, result = make(curve=True)
    a = arrays(read_run(folder), "pooled")
    frame = own(folder, result, "pooled")
    assert (a.y == frame["y_true"]).all() and (a.p == frame[["p_0", "p_1"]]).all(axis=None)
    assert len(a.first().y) == frame["row"].nunique()
    assert list(a.by) == ["sex"]


def test_the_curve_at_a_threshold_is_its_definition(view):
    found = decisions(view)
    a = arrays(view.run, view.delivered)
    flag, t = a.p[:, 1] >= 0.2, 0.2
    by_hand = (flag & (a.y == 1)).mean() - (flag & (a.y == 0)).mean() * t / (1 - t)
    assert found["figures"][view.delivered]["model"]["value"][19] == pytest.approx(by_hand)


def test_the_figures_at_the_threshold_are_of_decisions_that_other_folds_made(view):
    a = arrays(view.run, view.delivered).first()
    flagged = cross_decisions(a.y, a.p, a.fold, "sensitivity", 0.9, group=a.group)
    found = decisions(view)["points"][0]["figures"]
    assert found["sensitivity"]["value"] == pytest.approx(flagged[a.y == 1].mean())
    assert found["specificity"]["value"] == pytest.approx((~flagged[a.y == 0]).mean())


def test_subgroups_are_judged_on_their_own_rows_and_crossings_of_few_are_hidden(view):
    found = subgroups(view)
    a = arrays(view.run, view.delivered)
    metric = as_metric(view.data["metric"])
    rows = a.by["sex"] == "male"
    i = interval(metric, a.y[rows], a.p[rows], group=a.group[rows], repeat=a.repeat[rows], n_boot=400)
    shown = found["figures"]["figures"][metric.name]["sex=male"]
    assert shown["value"] == pytest.approx(i.value)
    assert {r["name"] for r in found["rows"]} == {"All", "sex: female", "sex: male"}
    assert len(found["figures"]["changes"]) == 2


def test_coverage_is_counted_on_rows_that_did_not_calibrate(view):
    found = uncertainty(view)
    assert found["figures"]["marginal"]["patients"] == 60
    lo, hi = (found["figures"]["marginal"][k] for k in ("lo", "hi"))
    assert lo <= 0.9 <= hi
    assert found["rows"][0]["name"] == "All" and len(found["rows"]) == 3


def test_a_regression_has_intervals_for_sets_and_no_decisions(make):
    folder, _ = make("regression")
    v = View(read_run(folder))
    found = found_in(v)
    assert found["decisions"] is None and found["calibration"] is None
    assert found["uncertainty"]["size"] == "Width"
    marginal = found["uncertainty"]["figures"]["marginal"]
    assert marginal["lo"] <= 0.9 <= marginal["hi"]


def test_verdicts_of_a_family_are_never_more_than_those_alone(view):
    made = together(view)["figures"]
    assert set(made) == {c["arm"] for c in view.data["comparisons"]} - {"majority"}  # a yardstick
    for m in made.values():
        assert m["verdict"] in (m["alone"]["verdict"], "inconclusive")
        assert m["p_adjusted"] >= m["p_value"]


def test_an_open_verdict_says_how_many_patients_the_same_models_need_and_a_settled_one_nothing(make, rewrite):
    folder, result = make()
    guard = result["guard"]["arm"] = "source-only"  # close to the control
    for c in result["comparisons"]:
        if c["arm"] == guard:
            c.update(verdict="inconclusive")
    rewrite(folder, result)
    v = View(read_run(folder))
    a, b = arrays(v.run, guard), arrays(v.run, "target-only")
    block = a.repeat * (a.fold.max() + 1) + a.fold
    rng, n = np.random.default_rng(1), a.group.max() + 1
    w = rng.multinomial(n, np.full(n, 1 / n), 1000)[:, a.group].astype(float)  # patients, not repeats
    metric = as_metric("auroc")
    gaps = metric.fn(a.y, a.p, w, block) - metric.fn(a.y, b.p, w, block)
    value = metric.value(a.y, a.p, block=block) - metric.value(a.y, b.p, block=block)
    d = value / (gaps.std() * np.sqrt(n))
    said = needed(v)
    found = said["figures"]
    assert f"truly differs by {words.number(value, sign=True)}, " in said["sentence"]  # blocks, not pooled
    assert found["patients"] == pytest.approx((1.96 + 0.8416) ** 2 / d**2 + 1.92, rel=0.15)
    for c in result["comparisons"]:
        if c["arm"] == guard:
            c.update(verdict="helps")
    rewrite(folder, result)
    assert needed(View(read_run(folder))) is None


def test_the_numbers_of_the_page_are_kept_beside_it(make):
    folder, _ = make()
    build(folder)
    kept = json.loads((folder / "report.json").read_text())
    view = View(read_run(folder))
    a = arrays(view.run, view.delivered)
    slope = calibration_slope(a.y, a.p, group=a.group).slope
    assert kept["calibration"][view.delivered]["slope"]["value"] == pytest.approx(slope.value)
    assert set(kept) >= {"calibration", "decisions", "subgroups", "uncertainty", "together"}


def test_a_run_without_predictions_still_has_a_page(make):
    folder, _ = make()
    (folder / "predictions.parquet").unlink()
    assert set(found_in(View(read_run(folder))).values()) == {None}
    assert "Decisions</h2>" not in build(folder).read_text()


def test_patients_are_dealt_whole_where_there_is_one_fold():
    group = np.repeat(np.arange(40), 3)
    dealt = folds_of_patients(group, np.zeros(120))
    assert (pd.Series(dealt).groupby(group).nunique() == 1).all()
    assert np.bincount(dealt).tolist() == [24] * 5


def test_harm_is_judged_against_the_best_arm_that_used_no_source(view):
    found = harm(view)
    alone = {a["name"] for a in view.data["arms"] if a["role"] == "control" and not a["source"]}
    assert alone == {"majority", "target-only"}  # of which the first is a yardstick
    assert set(found["figures"]) == {a["name"] for a in view.data["arms"]} - alone | {"by"}
    assert found["rows"] == found["by"] == []  # the control of the trial: the table of arms says it
    a = arrays(view.run, "coral")
    controls = {"target-only": arrays(view.run, "target-only").p}
    expected = transfer_gap("auroc", a.y, a.p, controls, **a.where)
    assert found["figures"]["coral"]["difference"] == expected.difference
    assert found["figures"]["coral"]["ci"] == [expected.lo, expected.hi]


def test_harm_has_a_table_of_its_own_where_several_arms_use_no_source(make, rewrite):
    folder, result = make()
    next(a for a in result["arms"] if a["name"] == "pooled")["source"] = None
    rewrite(folder, result)
    v = View(read_run(folder))
    found = harm(v)
    used = {a["name"] for a in v.data["arms"] if a["source"]}
    assert {r["name"] for r in found["rows"]} == used and "pooled" not in used
    assert {r["control"] for r in found["rows"]} == {"pooled"}  # the better of the two


def test_risks_that_are_too_high_for_one_sex_are_told_in_the_minute(make):
    folder, _ = make()
    path = folder / "predictions.parquet"
    frame = pd.read_parquet(path)
    women = frame["by:sex"] == "female"
    frame.loc[women, "p_1"] = frame.loc[women, "p_1"] ** 0.2
    frame["p_0"] = 1 - frame["p_1"]
    frame.to_parquet(path)
    view = View(read_run(folder))
    said = dict(minute(view, found_in(view)))["Is it alike for all?"]
    mine = frame[women & (frame["arm"] == view.delivered)]
    low = words.number(float((mine["y_true"] - mine["p_1"]).mean()))
    assert (
        f"observed minus predicted share (below 0: risks are told too high) runs from {low} (female)" in said
    )
    assert said.endswith("The subgroups are shown to differ.")


def test_the_minute_says_that_an_arm_picked_on_the_test_patients_is_flattered(make, rewrite):
    folder, result = make()
    flattered = "l2sp was picked on the very patients it is judged by"
    assert flattered not in dict(minute(View(read_run(folder)), NOTHING)).get("Whose figures", "")
    rewrite(folder, result | {"chosen": "l2sp", "guard": {"enabled": False, "arm": None}})
    assert flattered in dict(minute(View(read_run(folder)), NOTHING))["Whose figures"]
    rewrite(folder, result | {"chosen": "target-only", "guard": {"enabled": False, "arm": None}})
    assert "Whose figures" not in dict(minute(View(read_run(folder)), NOTHING))


def test_a_model_that_is_never_wrong_has_no_curve_of_errors(make):
    folder, _ = make()
    path = folder / "predictions.parquet"
    frame = pd.read_parquet(path)
    frame["p_1"] = 0.1 + 0.8 * frame["y_true"]
    frame["p_0"] = 1 - frame["p_1"]
    frame.to_parquet(path)
    found = uncertainty(View(read_run(folder)))
    assert found["plot"] is None and found["rows"]


def test_a_learning_curve_tells_at_which_numbers_of_labels_an_arm_is_worse(make):
    folder, _ = make(curve=True)
    v = View(read_run(folder))
    found = harm(v)["budgets"]
    assert [b.split(":")[0] for b in found] == ["With 10 labels", "With 20 labels", "With 40 labels"]
    values = {(p["arm"], p["labels_per_class"]): p["value"] for p in v.data["learning_curve"]}
    best = max(values["target-only", 10], values["majority", 10])
    worse = [
        a for a, b in values if b == 10 and a not in ("target-only", "majority") and values[a, 10] < best
    ]
    assert found[0] == f"With 10 labels: {', '.join(worse) or 'none'}."


def rare_event(folder, events):
    """Leave so many tested patients with the event."""
    path = folder / "predictions.parquet"
    frame = pd.read_parquet(path)
    frame["y_true"] = (frame["group"] < events).astype(int)
    frame.to_parquet(path)
    return View(read_run(folder))


@pytest.mark.parametrize(("events", "told"), [(9, False), (10, True), (50, True), (51, False)])
def test_what_would_count_fewer_than_ten_patients_of_a_class_is_not_told(make, events, told):
    folder, _ = make()
    view = rare_event(folder, events)
    assert bool(decisions(view)["points"]) == told
    found = uncertainty(view)
    assert [r["name"] for r in found["rows"]] == (["All", "healthy", "ill"] if told else ["All"])
    assert set(found["figures"]["by_class"]) == ({"0", "1"} if told else set())


def test_the_share_wrong_of_all_is_one_minus_the_accuracy_of_all_repeats(view):
    a = arrays(view.run, view.delivered)
    wrong = 1 - as_metric("accuracy").value(a.y, a.p)
    assert len(np.unique(a.repeat)) == 3
    assert f"on all {words.number(wrong)}." in uncertainty(view)["sentence"]


@pytest.mark.parametrize(
    ("patients", "lo", "hi", "says"),
    [
        (1734.2, 402.3, 8760.0, "about 1\u202f700 tested patients"),
        (1734.2, 402.3, 8760.0, "between 400 and 8\u202f800)"),
        (1734.2, 402.3, float("inf"), "between 400 and more than 10\u202f000)"),
        (150_166.0, 1660.0, float("inf"), "more than 10\u202f000 tested patients would be needed"),
        (float("inf"), 1660.0, float("inf"), "no trial of practical size would"),
    ],
)
def test_a_number_of_patients_is_told_as_well_as_it_is_known(
    make, rewrite, monkeypatch, patients, lo, hi, says
):
    folder, result = make()
    for c in result["comparisons"]:
        c.update(verdict="inconclusive")
    rewrite(folder, result)
    found = SimpleNamespace(patients=patients, lo=lo, hi=hi, note="", to_dict=dict)
    monkeypatch.setattr(settled, "sample_size", lambda *given, **more: found)
    said = needed(View(read_run(folder)))["sentence"]
    assert says in said and "166" not in said
