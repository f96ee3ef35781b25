from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.trial.describe import question
from medgraft.trial.tasks import Outcome
from samples import two_sites

ARMS = ["majority", "target-only", "pooled", "coral", "guarded"]
TIMES = ("cpu_seconds", "wall_seconds")


def numbers(result: mg.Result) -> dict:
    """Everything of result.json but what a clock says."""
    data = json.loads(json.dumps(result.data))
    data.pop("seconds")
    for a in data["arms"]:
        for key in TIMES:
            a.pop(key)
    return data


def trial(cohort: mg.Cohort, arms=ARMS, **keywords) -> mg.Trial:
    settings = {"target": "b", "labels_per_class": 6, "folds": 3, "repeats": 2} | keywords
    return mg.Trial(cohort, arms, **settings)


def test_every_test_row_is_scored_once_in_each_repeat_by_each_arm(cohort_of_each_task, tmp_path):
    result = trial(cohort_of_each_task).run(tmp_path / "out")
    target_rows = np.flatnonzero(cohort_of_each_task.domains == "b")
    for (_, _), part in result.predictions.groupby(["arm", "repeat"]):
        np.testing.assert_array_equal(np.sort(part["row"]), target_rows)
    assert [a["name"] for a in result.arms] == ["target-only", "majority", "pooled", "coral", "guarded"]


def test_every_arm_but_the_control_is_compared_with_it(cohort_of_each_task, tmp_path):
    result = trial(cohort_of_each_task).run(tmp_path / "out")
    assert {c["arm"] for c in result.comparisons} == {"majority", "pooled", "coral", "guarded"}
    for c in result.comparisons:
        values = {a["name"]: a["value"] for a in result.arms}
        assert c["difference"] == pytest.approx(values[c["arm"]] - values["target-only"], abs=1e-9)
        assert c["verdict"] in ("helps", "harms", "inconclusive")
        assert c["ci"][0] <= c["difference"] <= c["ci"][1]


def test_the_run_folder_holds_what_the_design_promises(cohort, tmp_path):
    trial(cohort).run(tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {
        "result.json",
        "predictions.parquet",
        "splits.parquet",
        "plan.json",
        "log.jsonl",
        "graft",
    }
    data = json.loads((tmp_path / "out" / "result.json").read_text())
    promised = {"task", "metric", "n", "arms", "comparisons", "chosen", "guard", "audit", "versions"}
    assert promised <= set(data)
    for a in data["arms"]:
        assert {"name", "method", "source", "role", "value", "ci", "cpu_seconds", "wall_seconds"} <= set(a)
        assert a["role"] in ("control", "transfer")
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert len(log) == 5 * 3 * 2


def test_figures_do_not_depend_on_the_number_of_jobs(cohort, tmp_path):
    one = trial(cohort, jobs=1).run(tmp_path / "one")
    two = trial(cohort, jobs=2).run(tmp_path / "two")
    assert numbers(one) == numbers(two)
    pd.testing.assert_frame_equal(one.predictions, two.predictions)


def test_another_seed_gives_another_draw_and_the_same_seed_the_same(cohort, tmp_path):
    first = trial(cohort, ["target-only", "pooled"]).run(tmp_path / "first")
    again = trial(cohort, ["target-only", "pooled"]).run(tmp_path / "again")
    other = trial(cohort, ["target-only", "pooled"], seed=1).run(tmp_path / "other")
    pd.testing.assert_frame_equal(first.predictions, again.predictions)
    assert not np.allclose(first.predictions["p_1"], other.predictions["p_1"])


def test_a_run_that_was_interrupted_and_resumed_equals_one_that_was_not(cohort, tmp_path, monkeypatch):
    whole = trial(cohort).run(tmp_path / "whole")
    write, count = Outcome.write, [0]

    def dying(self: Outcome, path: Path) -> None:
        count[0] += 1
        if count[0] == 17:
            raise KeyboardInterrupt
        write(self, path)

    monkeypatch.setattr(Outcome, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        trial(cohort).run(tmp_path / "cut")
    assert not (tmp_path / "cut" / "result.json").exists()
    done = len(list((tmp_path / "cut" / "partial").glob("*.npz")))
    assert done == 16

    fits = []
    monkeypatch.setattr(Outcome, "write", lambda self, path: (fits.append(path), write(self, path)))
    resumed = trial(cohort).run(tmp_path / "cut", resume=True)
    assert len(fits) == 30 - done
    assert numbers(resumed) == numbers(whole)
    pd.testing.assert_frame_equal(resumed.predictions, whole.predictions)


def test_resuming_a_finished_run_returns_it_without_fitting(cohort, tmp_path, monkeypatch):
    first = trial(cohort).run(tmp_path / "out")
    monkeypatch.setattr("medgraft.trial.work.run_task", lambda *a: pytest.fail("it fitted again"))
    assert numbers(trial(cohort).run(tmp_path / "out", resume=True)) == numbers(first)


def test_resuming_another_trial_is_refused(cohort, tmp_path):
    trial(cohort).run(tmp_path / "out")
    with pytest.raises(mg.MedgraftError, match="is of another trial"):
        trial(cohort, seed=5).run(tmp_path / "out", resume=True)
    with pytest.raises(mg.MedgraftError, match="no run to resume"):
        trial(cohort).run(tmp_path / "elsewhere", resume=True)


def test_a_folder_with_other_files_is_never_written_into(cohort, tmp_path):
    (tmp_path / "thesis.docx").write_text("dear")
    with pytest.raises(mg.MedgraftError, match="holds other files"):
        trial(cohort).run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


def test_several_budgets_give_a_learning_curve_and_the_first_is_the_headline(cohort, tmp_path):
    result = trial(cohort, ["target-only", "pooled"], labels_per_class=[4, 10]).run(tmp_path / "out")
    curve = {(r["arm"], r["labels_per_class"]): r["value"] for r in result.data["learning_curve"]}
    assert set(curve) == {(a, n) for a in ("target-only", "pooled") for n in (4, 10)}
    for a in result.arms:
        assert a["value"] == curve[a["name"], 4]


def test_a_pattern_stands_for_every_method_of_that_name_that_can_run(cohort):
    made = trial(cohort, ["*-only", "pooled"])
    assert [a.name for a in made.arms] == ["target-only", "pooled", "source-only"]
    named = trial(cohort, ["target-only", "*-only"])  # asked for already: not twice
    assert sorted(a.name for a in named.arms) == ["source-only", "target-only"]
    everything = {a.name for a in trial(cohort, ["*"]).arms}
    assert everything >= {a.name for a in trial(cohort, None).arms}
    with pytest.raises(mg.MedgraftError, match="called like"):
        trial(cohort, ["*forest-of-nowhere*"])


def test_without_target_labels_the_control_is_source_only(cohort, tmp_path):
    result = trial(cohort, None, labels_per_class=0).run(tmp_path / "out")
    names = [a["name"] for a in result.arms]
    assert result.data["control"] == "source-only" == names[0]
    assert "target-only" not in names and "coral" in names


def test_a_second_cohort_is_a_source_and_is_never_tested(tmp_path):
    table = two_sites()
    here = table[table["site"] == "b"].drop(columns="site").reset_index(drop=True)
    there = table[table["site"] == "a"].drop(columns="site").reset_index(drop=True)
    here.to_csv(tmp_path / "here.csv", index=False)
    there.to_csv(tmp_path / "there.csv", index=False)
    target, source = (mg.read(tmp_path / f"{name}.csv", label="ill") for name in ("here", "there"))
    run = mg.Trial(target, ["target-only", "source-only"], source=source, folds=2, labels_per_class=5)
    result = run.run(tmp_path / "out")
    assert result.data["n"] == len(here)
    assert result.data["cohort"]["domains"] == {"here": len(here), "there": len(there)}
    assert result.arms[1]["source"] == "there"


def test_an_external_test_set_is_scored_and_the_graft_repeats_its_predictions_exactly(tmp_path):
    table = two_sites()
    training = table.iloc[:150].reset_index(drop=True)
    test = table.iloc[150:].reset_index(drop=True)
    cohort = mg.read(training, label="ill", domain="site")
    run = mg.Trial(cohort, ["target-only", "pooled", "coral"], target="b", test=mg.read(test, label="ill"))
    result = run.run(tmp_path / "out")
    assert result.data["n"] == len(test)
    chosen = result.predictions.query("arm == @result.chosen").sort_values("row")
    p = result.graft.predict_proba(mg.read(test, label="ill"))
    np.testing.assert_array_equal(p, chosen[["p_0", "p_1"]].to_numpy())


def test_the_same_patient_in_training_and_test_is_refused():
    table = two_sites().assign(patient=np.arange(200))
    training = mg.read(table.iloc[:150], label="ill", domain="site", group="patient")
    test = mg.read(table.iloc[149:], label="ill", group="patient")
    with pytest.raises(mg.MedgraftError, match="1 patients are in both"):
        mg.Trial(training, target="b", test=test)


def test_whole_domains_can_be_left_out(cohort, tmp_path):
    result = mg.Trial(cohort, folds="domain").run(tmp_path / "out")
    assert result.data["design"]["kind"] == "leave one domain out"
    assert result.data["n"] == cohort.n
    by_fold = result.predictions.query("arm == 'pooled'").groupby("fold")["row"]
    for rows in by_fold:
        assert len(set(cohort.domains[rows[1].to_numpy()])) == 1


def test_an_arm_dearer_than_the_budget_is_left_out_and_said_to_be(cohort, tmp_path):
    result = trial(cohort, budget=1e-9).run(tmp_path / "out")
    assert [a["name"] for a in result.arms] == ["target-only"]
    assert any("'coral' was left out" in w for w in result.data["warnings"])


def test_without_a_guard_the_control_is_delivered_unless_an_arm_helps(cohort, tmp_path):
    result = trial(cohort, ["target-only", "majority"]).run(tmp_path / "out")
    assert result.chosen == "target-only"
    assert result.graft.manifest["arm"] == "target-only"


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"target": None}, "Which domain is the target"),
        ({"target": "c"}, "'c'"),
        ({"metric": "aurok"}, "Did you mean 'auroc'"),
        ({"arms": ["pooled", "pooled"]}, "asked for twice"),
        ({"arms": ["linear-probe"]}, "needs images"),
        ({"arms": ["target-only"], "labels_per_class": 0}, "needs labels of the target"),
        ({"folds": 500}, "500"),
    ],
)
def test_a_trial_that_cannot_run_says_why(cohort, keywords, message):
    with pytest.raises(mg.MedgraftError, match=message):
        trial(cohort, **keywords)


def test_nothing_to_transfer_from_is_said(tmp_path):
    cohort = mg.read(two_sites().drop(columns="site"), label="ill")
    with pytest.raises(mg.MedgraftError, match="nothing to transfer from"):
        mg.Trial(cohort)


def test_a_trial_without_a_source_asks_and_answers_nothing_of_transfer(tmp_path):
    cohort = mg.read(two_sites().drop(columns="site"), label="ill")
    result = mg.Trial(cohort, ["target-only", "majority"]).run(tmp_path / "out")
    assert result.data["question"] == "Which method is the best to predict 'ill'?"
    assert result.data["verdict"].startswith("No arm was shown to help")
    moved = trial(mg.read(two_sites(), label="ill", domain="site"), ["target-only", "majority"])
    assert "Does transfer from 'a' help" in question(moved)


def test_nothing_of_a_patient_is_in_the_graft(tmp_path):
    table = two_sites().assign(patient=[f"SECRET-{i}" for i in range(200)])
    cohort = mg.read(table, label="ill", domain="site", group="patient")
    result = trial(cohort).run(tmp_path / "out")
    blob = b"".join(p.read_bytes() for p in sorted((tmp_path / "out" / "graft").rglob("*")) if p.is_file())
    assert b"SECRET" not in blob
    values = table[["x1", "x3"]].to_numpy().ravel()
    assert not any(v.tobytes() in blob for v in values)
    for name in ("result.json", "splits.parquet", "predictions.parquet", "plan.json", "log.jsonl"):
        assert b"SECRET" not in (tmp_path / "out" / name).read_bytes()
    assert result.data["cohort"]["groups"] == 200


def test_a_network_is_no_source_for_a_table(cohort):
    with pytest.raises(mg.MedgraftError, match="reads images, but 'table' is a table"):
        mg.Trial(cohort, target="b", source=mg.Pretrained("timm:resnet18"))


def test_a_source_may_be_the_name_of_a_network_and_a_table_must_be_read_first(cohort, tmp_path):
    with pytest.raises(mg.MedgraftError, match="reads images"):
        mg.Trial(cohort, target="b", source="timm:resnet18")
    two_sites().to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(mg.MedgraftError, match="read it with medgraft.read"):
        mg.Trial(cohort, target="b", source=[str(tmp_path / "t.csv")])


def test_tested_copies_of_training_samples_are_counted_and_said(tmp_path):
    table = two_sites()
    cohort = mg.read(table, label="ill", domain="site")
    run = mg.Trial(cohort, ["target-only"], target="b", test=mg.read(table.iloc[120:140], label="ill"))
    warnings = run.run(tmp_path / "out").data["warnings"]
    assert any("20 tested samples are exact copies" in w for w in warnings)


def test_the_delivered_model_has_as_many_target_labels_as_it_was_judged_with(cohort):
    from medgraft.trial.deliver import _all_rows

    few = _all_rows(trial(cohort, labels_per_class=6))
    target = np.flatnonzero(cohort.domains == "b")
    counts = np.bincount(cohort.y[np.intersect1d(few.labelled, target)], minlength=2)
    assert counts.tolist() == [6, 6]
    assert np.isin(np.flatnonzero(cohort.domains == "a"), few.labelled).all()
    everything = _all_rows(trial(cohort, labels_per_class=()))
    np.testing.assert_array_equal(everything.labelled, np.arange(cohort.n))


def test_the_numbers_of_patients_in_written_predictions_do_not_follow_their_names(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_HOME", str(tmp_path / "home"))
    frame = two_sites(seed=3)
    frame["subject"] = [f"s{i // 2:03d}" for i in range(len(frame))]
    cohort = mg.read(frame, label="ill", domain="site")
    assert cohort.group == "subject"
    mg.Trial(cohort, ["target-only"], target="b", folds=2).run(tmp_path / "out")
    written = pd.read_parquet(tmp_path / "out" / "predictions.parquet").sort_values("row")
    numbers = written.drop_duplicates("patient")["group"].to_numpy()
    assert len(numbers) == 40 and (np.diff(numbers) < 0).any()
    assert written.groupby("patient")["group"].nunique().max() == 1
