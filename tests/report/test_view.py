from __future__ import annotations

import pytest

from medgraft.report import build, figures, story
from medgraft.report.read import Run, read_run
from medgraft.report.sections.settled import together
from medgraft.report.view import View, summary


def _view(result):
    return View(Run(result, {}, {}))


def _verdicts(result, **verdicts):
    for c in result["comparisons"]:
        c["verdict"] = verdicts.get(c["arm"].replace("-", "_"), "inconclusive")
    return result


@pytest.mark.parametrize(
    ("verdict", "word"),
    [("helps", "Transfer helps"), ("harms", "Transfer harms"), ("inconclusive", "Not proven either way")],
)
def test_the_badge_speaks_of_the_guard_even_where_the_control_is_delivered(make, verdict, word):
    _, result = make()
    result = _verdicts(result, guarded=verdict, l2sp="helps", coral="harms")
    assert _view(result | {"chosen": "target-only"}).badge["word"] == word


def test_without_a_guard_the_badge_speaks_of_the_chosen_arm(make):
    _, result = make()
    result = _verdicts(result, l2sp="helps", coral="harms") | {"guard": {"enabled": False}, "chosen": "l2sp"}
    assert _view(result).badge["word"] == "Transfer helps"


def test_the_badge_claims_harm_only_where_every_transfer_arm_harms(make):
    _, result = make()
    result |= {"guard": {"enabled": False}, "chosen": "target-only", "delivered": "target-only"}
    some = _verdicts(result, coral="harms")
    assert _view(some).badge["word"] == "No benefit shown"
    every = _verdicts(result, **dict.fromkeys(("ulsif", "coral", "l2sp", "guarded"), "harms"))
    assert _view(every).badge["word"] == "Transfer harms"


def test_arms_show_the_figures_of_the_result(make):
    _, result = make()
    a = result["arms"][4]
    c = next(c for c in result["comparisons"] if c["arm"] == a["name"])
    row = _view(result).arms[4]
    assert row["value"] == f"{a['value']:.3f}"
    assert row["interval"] == f"{a['ci'][0]:.3f} to {a['ci'][1]:.3f}"
    assert row["difference"] == f"{c['difference']:+.3f}"
    control = _view(result).arms[1]
    assert control["is_control"] and control["difference"] == "" and control["verdict"] == ""


def test_what_is_undefined_shows_as_a_dash_and_never_as_nan(make):
    _, result = make()
    result["arms"][0] |= {
        "value": None,
        "ci": [None, None],
        "metrics": {"auroc": {"value": None, "ci": [None, None]}},
    }
    row = _view(result).arms[0]
    assert row["value"] == "–" and row["interval"] == "–"
    column = [c["name"] for c in _view(result).metrics["columns"]].index("auroc")
    assert _view(result).metrics["rows"][0]["cells"][column] == ("–", "–")


def test_regression_is_shown_in_the_label_s_own_digits(make):
    _, result = make("regression")
    view = _view(result)
    assert view.arms[0]["value"] == f"{result['arms'][0]['value']:.1f}"
    assert view.metric["better"] == "lower"
    cells = dict(
        zip([c["name"] for c in view.metrics["columns"]], view.metrics["rows"][0]["cells"], strict=True)
    )
    assert cells["r2"][0] == "−0.030"


def test_the_guard_s_choices_add_up_to_all_training_parts(make):
    _, result = make()
    choice = _view(result).choice
    assert choice["total"] == 15
    assert choice["counts"] == [("pooled", 9, "60 %"), ("l2sp", 4, "27 %"), ("target-only", 2, "13 %")]


@pytest.mark.parametrize(
    ("kind", "phrase"),
    [
        ("cross-validation", "Not externally validated"),
        ("external test", "separate from the training patients"),
        ("leave one domain out", "same collection of data"),
    ],
)
def test_the_limits_fit_the_design(make, kind, phrase):
    _, result = make()
    result["design"]["kind"] = kind
    said = " ".join(story.limits(Run(result, {}, {})))
    assert phrase in said
    assert "“Inconclusive” does not mean “no difference”" in said


def test_only_repeats_let_the_interval_speak_of_other_labelled_patients(make):
    _, result = make()
    assert result["design"]["repeats"] == 3
    assert "had other patients been labelled" in story.limits(Run(result, {}, {}))[0]
    result["design"]["repeats"] = 1
    said = story.limits(Run(result, {}, {}))
    assert "been labelled" not in said[0] and "conditional on the models as trained" in said[1]


def test_one_number_of_comparisons_is_told_and_the_yardstick_is_none_of_them(make):
    folder, result = make()
    n = len(result["comparisons"]) - 1  # without majority
    assert f"{n} arms (yardsticks apart) were compared" in " ".join(story.limits(Run(result, {}, {})))
    said = together(View(read_run(folder)))["sentence"]
    assert f"Corrected for {n} comparisons" in said and said.endswith(
        "The yardstick majority is not counted."
    )


def test_what_is_noted_of_every_comparison_is_said_once(make, rewrite):
    folder, result = make()
    few = "2 repeats are few to learn how much a repeat matters: use 5 or more."
    for c in result["comparisons"]:
        own = " The arms differ on 3 of 60 patients." if c["arm"] == "coral" else ""
        c |= {"note": few + own, "sentence": f"{c['sentence']} {few}{own}"}
    view = _view(result)
    assert view.common_note == few
    notes = {a["name"]: a["note"] for a in view.arms}
    assert notes.pop("coral") == "The arms differ on 3 of 60 patients." and set(notes.values()) == {""}
    assert not any("repeats are few" in a["sentence"] for a in view.arms)
    rewrite(folder, result)
    assert build(folder).read_text().count("repeats are few") == 1
    rewrite(folder, result | {"verdict": f"guarded helps. {few}"})
    assert build(folder).read_text().count("repeats are few") == 1


def test_the_cohort_table_counts_every_class_of_every_domain(make):
    _, result = make()
    table = story.cohort(Run(result, {}, {}))["table"]
    va = next(r for r in table["rows"] if r["name"] == "va")
    assert va["target"] and va["cells"] == ["90 (45 %)", "110 (55 %)"] and va["total"] == "200"


def _table(result, parts, counts, task="binary"):
    """The cells and totals of the table of classes, for parts of these sizes and counts."""
    own = result["cohort"] | {
        "domains": parts,
        "class_counts": counts,
        "classes": ["no", "yes", "maybe"][: len(next(iter(counts.values())))],
    }
    rows = story.cohort(Run(result | {"cohort": own, "task": task}, {}, {}))["table"]["rows"]
    return {r["name"]: (r["cells"], r["total"]) for r in rows}


def test_no_count_below_ten_is_told_of_a_class_nor_does_it_follow_from_the_row(make):
    _, result = make()
    shown = _table(
        result, {"here": 120, "there": 40}, {"here": {"no": 7, "yes": 113}, "there": {"no": 0, "yes": 40}}
    )
    assert shown["here"] == (["withheld", "withheld"], "120")
    assert shown["there"] == (["0 (0 %)", "40 (100 %)"], "40")
    shown = _table(result, {"here": 74}, {"here": {"no": 40, "yes": 30, "maybe": 4}})
    assert shown["here"] == (["40 (54 %)", "withheld", "withheld"], "74")


def test_a_part_of_fewer_than_ten_samples_is_not_counted_nor_its_neighbour(make):
    _, result = make()
    shown = _table(
        result,
        {"a": 300, "b": 30, "c": 8},
        {"a": {"no": 150, "yes": 150}, "b": {"no": 15, "yes": 15}, "c": {"no": 4, "yes": 4}},
    )
    assert shown["a"][1] == "300" and shown["b"] == shown["c"] == (["withheld", "withheld"], "withheld")


def test_of_several_labels_each_is_held_back_by_itself(make):
    _, result = make()
    shown = _table(result, {"here": 100}, {"here": {"no": 50, "yes": 95, "maybe": 4}}, task="multilabel")
    assert shown["here"][0] == ["50 (50 %)", "withheld", "withheld"]  # 95 of 100 tells of five without


def test_a_cohort_that_is_cross_validated_is_not_called_the_test(make):
    _, result = make("multiclass", network=True)
    parts = {"training": 90, "test": 30}
    assert {"Training", "Test"} == set(_table(result, parts, {"test": {"no": 15, "yes": 15}}))
    assert set(_table(result, {"test": 120}, {"test": {"no": 60, "yes": 60}})) == {"All"}


def test_the_plan_shows_what_loaded_froze_and_at_which_rates(make):
    folder, _ = make("multiclass", network=True)
    shown = {n["name"]: dict(n["facts"]) for n in story.plan(read_run(folder))["networks"]}
    tuned = shown["finetune:epochs=5,learning_rate=0.001"]
    assert tuned["Frozen"].endswith("and 8 more")
    assert tuned["Learning rates"] == "head 0.001, blocks.6 0.0003"
    assert tuned["BatchNorm"] == "statistics of the source are kept"
    assert shown["linear-probe"] == {"Loaded": "312 of 312 tensors of the trunk loaded; the head is new."}


def test_one_arm_that_is_far_off_does_not_coarsen_the_differences_of_the_others(make):
    _, result = make("regression")
    for c, d in zip(result["comparisons"], [21.2, -2.977, 0.0, -0.5, 1, 1, 1], strict=True):
        c |= {"difference": d, "ci": [d - 1.5, d + 1.5] if d else [0.0, 0.0]}
    shown = {a["name"]: a["difference"] for a in _view(result).arms}
    assert shown["majority"] == "+21.20" and shown["source-only"] == "−2.98" and shown["pooled"] == "0.00"


def test_the_first_sentence_of_the_verdict_is_set_apart(make):
    _, result = make()
    whole = "guarded helps: AUROC is 0.12 higher (95 % interval 0.05 to 0.20). Of 5 other arms, 1 helped."
    first, rest = _view(result | {"verdict": whole}).verdict
    assert first.endswith("0.20).") and rest == "Of 5 other arms, 1 helped."
    assert _view(result | {"verdict": "No arm."}).verdict == ("No arm.", "")


def test_a_yardstick_is_marked_and_does_not_stretch_the_plot_of_differences(make):
    _, result = make()
    view = _view(result)
    assert [a["name"] for a in view.arms if a["is_yardstick"]] == ["majority"]
    drawn = figures.differences(view).wide
    assert "coral" in drawn and "majority" not in drawn
    assert "majority" in figures.values(view).wide


def test_without_an_arm_that_transfers_no_benefit_is_claimed_to_have_been_looked_for(make):
    _, result = make()
    kept = [a for a in result["arms"] if a["name"] in ("majority", "target-only")]
    compared = [c for c in result["comparisons"] if c["arm"] == "majority"]
    alone = {"arms": kept, "comparisons": compared, "chosen": "target-only", "guard": {}}
    assert _view(result | alone).badge["word"] == "No transfer was tried"
    pooled = [a for a in result["arms"] if a["name"] == "pooled"]
    assert _view(result | alone | {"arms": kept + pooled}).badge["word"] == "No benefit shown"
    known = View(Run(result | alone, {}, result["calibration"]))
    curves = figures.calibration(known)["plot"].wide
    assert "target-only" in curves and "majority" not in curves


def test_the_summary_of_an_arm_tells_its_steps_and_its_learner():
    whole = summary("coral", "coral:shrinkage=0.1+rose+svm")
    assert whole.startswith(summary("coral") + " ") and "bootstrap" in whole and "Support vector" in whole
    assert summary("of-another-version", "of-another-version+svm") == summary("", "x+svm") != ""


def test_reasons_that_differ_in_their_figures_alone_are_told_once(make):
    _, result = make()
    result["guard"]["reasons"] = ["Kept: none beats 0.97.", "Kept: none beats 1.", "coral: 0.1 higher."]
    assert _view(result).choice["reasons"] == ["Kept: none beats 0.97.", "coral: 0.1 higher."]


def test_balanced_accuracy_stands_beside_what_guessing_scores(make):
    _, result = make("multiclass", network=True)
    assert _view(result).guessing == " Guessing among 4 classes scores 0.250."
    assert _view(result | {"metric": "auroc"}).guessing == ""
