"""From a trial to a graft that is fitted to its place, on the command line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.calibrate
import medgraft.cli.explain
import medgraft.cli.predict
import medgraft.cli.report
import medgraft.cli.trial
from medgraft.cli.app import app
from medgraft.graft import save
from medgraft.graft.use import Use
from samples import two_sites


def run(*words, code=0):
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A finished trial, and labelled and new patients of its target."""
    root = tmp_path_factory.mktemp("place")
    two_sites().to_csv(root / "trial.csv", index=False)
    two_sites(seed=5, n=(0, 150)).to_csv(root / "labelled.csv", index=False)
    two_sites(seed=6, n=(0, 40)).drop(columns=["ill"]).to_csv(root / "new.csv", index=False)
    words = ("trial", root / "trial.csv", "--label", "ill", "--domain", "site", "--target", "b", "--folds", 2)
    arms = ("--arm", "target-only", "--arm", "pooled", "--labels-per-class", 5, "--jobs", 1)
    run(*words, *arms, "--out", root / "run")
    return root


@pytest.fixture(scope="module")
def ready(place):
    words = ("calibrate", place / "run", place / "labelled.csv", "--out", place / "ready", "--by-class")
    said = run(*words, "--sensitivity", 0.8)
    return place / "ready", said


def test_what_was_fitted_and_what_it_is_worth_is_said(ready):
    folder, said = ready
    use = mg.load(folder).use
    assert use.sentence() in said
    change = use.evidence["calibration"]["log_loss_change"]
    assert f"change of the log loss: {change['value']:.3f} [" in said
    assert f"sensitivity {use.evidence['decision']['sensitivity']['value']:.3f} [" in said
    assert f"of 'yes': {use.evidence['conformal']['by_class']['yes']['coverage']:.3f} [" in said
    assert "Nobody of DATA may have been among the patients of the trial" in said
    assert "very rows" not in said and "--positive" not in said


def test_a_class_that_sets_hold_too_rarely_is_pointed_out():
    by_class = {"no": {"coverage": 0.97, "ci": [0.9, 0.99]}, "yes": {"coverage": 0.7, "ci": [0.6, 0.8]}}
    held = {"level": 0.9, "coverage": 0.9, "ci": [0.85, 0.94], "size": 1.2, "by_class": by_class}
    use = Use(None, None, None, False, {"patients": 99, "rows": 99, "folds": 5, "conformal": held})
    lines = medgraft.cli.calibrate._told(use, ["no", "yes"])
    assert [line for line in lines if "--by-class" in line] == [
        "    of 'yes': 0.700 [0.600, 0.800]; too rarely: --by-class promises it for each class"
    ]


def test_sets_are_for_each_class_unless_that_is_declined_and_the_line_says_which(place, tmp_path):
    words = ("calibrate", place / "run", place / "labelled.csv", "--out")
    assert "(asked: 0.9 for each class)" in run(*words, tmp_path / "each")
    said = run(*words, tmp_path / "all", "--no-by-class")
    assert "(asked: 0.9 for all patients together)" in said and "sets at 90 % for all together" in said
    assert [mg.load(tmp_path / name).use.conformal.by_class for name in ("each", "all")] == [True, False]
    table = pd.read_csv(place / "labelled.csv")
    few = pd.concat([table[table["ill"] == "no"], table[table["ill"] == "yes"][:11]])
    few.to_csv(tmp_path / "few.csv", index=False)
    said = run(
        "calibrate", place / "run", tmp_path / "few.csv", "--out", tmp_path / "few", "--method", "none"
    )
    assert "(asked: 0.9 for all patients together, since one for each class needs 12 of each)" in said


def test_predict_applies_it_and_says_so(place, ready):
    folder, _ = ready
    said = run("predict", folder, place / "new.csv", "--out", place / "p.csv")
    graft = mg.load(folder)
    assert "Wrote 40 predictions" in said and graft.use.sentence() in said
    p = pd.read_csv(place / "p.csv")
    assert p.columns.tolist() == ["row", "prediction", "p_no", "p_yes", "set", "decision"]
    np.testing.assert_allclose(p["p_yes"], graft.predict_proba(place / "new.csv")[:, 1], rtol=1e-12)
    assert (p["decision"] == np.where(p["p_yes"] >= graft.use.point.threshold, "yes", "no")).all()
    assert set(p["set"]) <= {"no", "yes", "no|yes", "none"}
    before = run("predict", place / "run", place / "new.csv", "--out", place / "raw.csv")
    assert "Applied" not in before
    assert pd.read_csv(place / "raw.csv").columns.tolist() == ["row", "prediction", "p_no", "p_yes"]


def test_explain_explains_the_models_own_scores(place, ready):
    told = {}
    for name, graft in (("raw", place / "run"), ("ready", ready[0])):
        run(
            "explain",
            graft,
            place / "new.csv",
            "--cohort",
            place / "trial.csv",
            "--out",
            place / f"why-{name}",
        )
        told[name] = json.loads((place / f"why-{name}" / "explanation.json").read_text())["samples"]
    assert told["raw"] == told["ready"]


def test_a_run_whose_graft_was_calibrated_still_makes_its_report(place, ready, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "graft")
    shutil.copytree(ready[0], tmp_path / "run" / "graft")
    (tmp_path / "run" / "report.html").unlink()
    run("report", tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()
    run("predict", tmp_path / "run", place / "new.csv", "--out", tmp_path / "p.csv")
    assert "decision" in pd.read_csv(tmp_path / "p.csv")


def test_nothing_of_the_patients_or_the_machine_is_in_the_new_folder(place, tmp_path):
    names = {p.name for p in (place / "run" / "graft").iterdir()}
    shutil.copytree(place / "run" / "graft", tmp_path / "graft")
    (tmp_path / "graft" / "patients.csv").write_text("left here by somebody")
    ready = tmp_path / "ready"
    run("calibrate", tmp_path / "graft", place / "labelled.csv", "--out", ready)
    assert {p.name for p in ready.iterdir()} == names | {"use.json"}
    text = (ready / "use.json").read_text()
    assert str(place) not in text and "labelled" not in text
    assert str(place) not in (ready / "graft.json").read_text()


def test_the_rows_that_the_trial_tested_are_known_again(place, tmp_path):
    rows = two_sites()
    rows[rows["site"] == "b"].to_csv(tmp_path / "tested.csv", index=False)
    said = run("calibrate", place / "run", tmp_path / "tested.csv", "--out", tmp_path / "g")
    assert "These are the very rows that the trial tested" in said


def test_the_label_may_have_another_name_and_the_prevalence_be_stated(place, tmp_path):
    frame = pd.read_csv(place / "labelled.csv").rename(columns={"ill": "sick"})
    frame.to_csv(tmp_path / "other.csv", index=False)
    words = ("calibrate", place / "run", tmp_path / "other.csv", "--label", "sick", "--out", tmp_path / "g")
    said = run(*words, "--prevalence", 0.1, "--cost", "5:1")
    assert "for a prevalence of 0.1" in said and "taken on trust" in said and "(cost 5)" in said
    use = mg.load(tmp_path / "g").use
    assert use.conformal.by_class and use.point.value == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sensitivity", 0.9, "--cost", "5:1"), "give one of --sensitivity, --cost"),
        (("--cost", "five"), "such as 5:1, not 'five'"),
        (("--cost", "5:0"), "such as 5:1, not '5:0'"),
        (("--method", "plat"), "Did you mean 'platt'"),
        (("--sets", 2), "--sets is the share"),
        (("--sets", 0, "--method", "none"), "There is nothing to fit"),
        (("--label", "nothing"), "'nothing'"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_writes_nothing(place, tmp_path, words, said):
    out = tmp_path / "g"
    assert said in run("calibrate", place / "run", place / "labelled.csv", "--out", out, *words, code=2)
    assert not list(tmp_path.iterdir())


def test_what_is_there_already_is_not_written_over_nor_calibrated_again(place, ready):
    data = place / "labelled.csv"
    assert "there already" in run("calibrate", place / "run", data, "--out", ready[0], code=2)
    assert "calibrated already" in run("calibrate", ready[0], data, "--out", place / "twice", code=2)


def saved(folder, frame, model, **roles):
    cohort = mg.read(frame, label="ill", **roles)
    save(folder, model.fit(cohort.X, cohort.y), cohort, {})


def test_a_number_gets_an_interval(tmp_path):
    saved(tmp_path / "g", two_sites(task="regression"), mg.methods["target-only"](task="regression"))
    two_sites(seed=5, task="regression").to_csv(tmp_path / "data.csv", index=False)
    said = run("calibrate", tmp_path / "g", tmp_path / "data.csv", "--out", tmp_path / "ready", "--sets", 0.8)
    assert "intervals at 80 %" in said and "wide on average" in said
    run("predict", tmp_path / "ready", tmp_path / "data.csv", "--out", tmp_path / "p.csv")
    p = pd.read_csv(tmp_path / "p.csv")
    assert p.columns.tolist() == ["row", "prediction", "low", "high"]
    np.testing.assert_allclose(p["prediction"], (p["low"] + p["high"]) / 2)


def test_stages_in_order_are_read_in_the_order_of_the_graft(tmp_path):
    levels = ["none yet", "mild", "severe"]
    frame = two_sites(task="multiclass")
    frame["ill"] = np.array(levels)[frame["ill"].astype(int)]
    saved(tmp_path / "g", frame, mg.methods["target-only"](), task="ordinal", levels=levels)
    new = two_sites(seed=5, task="multiclass")
    new["ill"] = np.array(levels)[new["ill"].astype(int)]
    new.to_csv(tmp_path / "data.csv", index=False)
    run("calibrate", tmp_path / "g", tmp_path / "data.csv", "--out", tmp_path / "ready")
    assert mg.load(tmp_path / "ready").use.recalibrator.kind == "vector"


def test_patients_with_several_rows_are_calibrated_as_they_were_tested(tmp_path):
    frame = pd.concat([two_sites(), two_sites()], ignore_index=True)
    frame["x1"] += np.random.default_rng(0).normal(scale=0.2, size=len(frame))
    frame["who"] = [f"w{i}" for i in range(200)] * 2
    frame.to_csv(tmp_path / "trial.csv", index=False)
    words = ("trial", tmp_path / "trial.csv", "--label", "ill", "--domain", "site", "--target", "b")
    more = ("--group", "who", "--aggregate", "mean", "--arm", "pooled", "--folds", 2, "--jobs", 1)
    run(*words, *more, "--out", tmp_path / "run")
    frame["x2"] += 0.1
    frame.to_csv(tmp_path / "here.csv", index=False)
    words = ("calibrate", tmp_path / "run", tmp_path / "here.csv", "--out", tmp_path / "ready")
    assert "say with --group" in run(*words, "--group", "none", code=2)
    assert "learnt from 200 patients" in run(*words, "--group", "who")
    one = ("--group", "who", "--out", tmp_path / "p.csv")
    said = run("predict", tmp_path / "ready", tmp_path / "here.csv", *one)
    p = pd.read_csv(tmp_path / "p.csv")
    assert len(p) == 200 and "set" in p and "Applied" in said
    one = ("--group", "none", "--out", tmp_path / "rows.csv")
    said = run("predict", tmp_path / "ready", tmp_path / "here.csv", *one)
    assert "was not applied to single rows" in said and "Applied" not in said
    assert "set" not in pd.read_csv(tmp_path / "rows.csv")
