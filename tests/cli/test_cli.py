from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.demo
import medgraft.cli.methods
import medgraft.cli.predict
import medgraft.cli.report
import medgraft.cli.trial
from medgraft.cli.app import app
from medgraft.graft import save
from samples import image_folder, two_sites


def run(*words: object, code: int = 0) -> str:
    """Run a command line in this process and return all it printed."""
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "sites.csv"
    two_sites().to_csv(path, index=False)
    return path


QUICK = ("--folds", 2, "--labels-per-class", 5, "--jobs", 1)


def test_a_trial_prints_arms_intervals_verdict_and_where_the_report_is(table, tmp_path):
    arms = ("--arm", "target-only", "--arm", "pooled", "--arm", "guarded")
    said = run(
        "trial",
        table,
        "--label",
        "ill",
        "--domain",
        "site",
        "--target",
        "b",
        *QUICK,
        *arms,
        "--out",
        tmp_path / "o",
    )
    assert "Does transfer from 'a' help to predict 'ill' in 'b' with 5 labels per class?" in said
    assert "(the control)" in said and "95 % interval" in said
    assert (tmp_path / "o" / "report.html").exists()
    data = json.loads((tmp_path / "o" / "result.json").read_text())
    assert str(tmp_path) not in json.dumps(data), "a path of this machine is in the result"


def test_the_plan_can_be_had_without_a_run(table, tmp_path):
    said = run(
        "trial",
        table,
        "--label",
        "ill",
        "--domain",
        "site",
        "--target",
        "b",
        *QUICK,
        "--plan",
        "--out",
        tmp_path / "o",
    )
    assert "In all about" in said and "guarded" in said
    assert not (tmp_path / "o").exists()


SITES = ("--label", "ill", "--domain", "site", "--target", "b")


def test_a_plan_needs_no_folder_and_a_run_does(table):
    assert "target-only" in run("trial", table, *SITES, *QUICK, "--arm", "pooled", "--plan")
    assert "Say it with --out" in run("trial", table, *SITES, *QUICK, code=2)


def test_a_finished_run_is_replaced_only_on_request(table, tmp_path):
    words = ("trial", table, *SITES, *QUICK, "--arm", "pooled", "--out", tmp_path / "o")
    said = run(*words)
    assert "so target-only is delivered" in said or "pooled helps most" in said
    first = (tmp_path / "o" / "result.json").read_bytes()
    assert "--overwrite" in run(*words, "--seed", 1, code=2)
    assert (tmp_path / "o" / "result.json").read_bytes() == first
    run(*words, "--seed", 1, "--overwrite")
    assert (tmp_path / "o" / "result.json").read_bytes() != first


def test_methods_are_listed_with_what_they_do_and_by_pattern():
    from medgraft.methods import entries
    from medgraft.methods.learners import learners
    from medgraft.methods.prepare import steps

    said = run("methods")
    assert all(f"  {name} " in said for name in [*entries, *steps, *learners])
    assert entries["coral"].summary in said
    some = run("methods", "*coral*")
    assert "coral" in some and "ulsif" not in some
    assert "leave it out" in run("methods", "corall", code=2)


def test_predict_writes_one_row_a_patient_with_probabilities_that_sum_to_one(table, tmp_path):
    arms = ("--arm", "target-only", "--arm", "pooled")
    run(
        "trial",
        table,
        "--label",
        "ill",
        "--domain",
        "site",
        "--target",
        "b",
        *QUICK,
        *arms,
        "--out",
        tmp_path / "o",
    )
    new = tmp_path / "new.csv"
    two_sites(seed=9).drop(columns=["ill", "site"]).to_csv(new, index=False)
    run("predict", tmp_path / "o" / "graft", new, "--out", tmp_path / "p.csv")
    p = pd.read_csv(tmp_path / "p.csv")
    assert p.columns.tolist() == ["row", "prediction", "p_no", "p_yes"] and len(p) == 200
    np.testing.assert_allclose(p[["p_no", "p_yes"]].sum(axis=1), 1)
    assert (p["prediction"] == np.where(p["p_yes"] > 0.5, "yes", "no")).all()


def test_a_plan_tells_what_the_reader_has_to_say(table, tmp_path):
    frame = pd.read_csv(table)
    frame.loc[3, "ill"] = None
    frame.to_csv(table, index=False)
    said = run("trial", table, *SITES, *QUICK, "--arm", "pooled", "--plan")
    assert "medgraft: 1 of" in said and "were left out" in said


def test_predictions_carry_the_columns_by_which_they_are_joined(tmp_path):
    frame = two_sites().drop(columns="site")
    cohort = mg.read(frame, label="ill")
    save(tmp_path / "graft", mg.methods["target-only"]().fit(cohort.X, cohort.y), cohort, {})
    new = two_sites(seed=9).drop(columns=["ill", "site"])
    new.insert(0, "patient_id", [f"P{i:04d}" for i in range(len(new))])
    new.to_csv(tmp_path / "new.csv", index=False)
    words = ("predict", tmp_path / "graft", tmp_path / "new.csv", "--out", tmp_path / "p.csv")
    run(*words)
    assert pd.read_csv(tmp_path / "p.csv").columns[:2].tolist() == ["row", "prediction"]
    run(*words, "--id", "patient_id", "--id", "x1", "--id", "patient_id")
    p = pd.read_csv(tmp_path / "p.csv")
    assert p.columns[:4].tolist() == ["row", "patient_id", "x1", "prediction"]
    assert p["patient_id"].tolist() == new["patient_id"].tolist()
    np.testing.assert_allclose(p["x1"], new["x1"])
    assert "Did you mean 'patient_id'" in run(*words, "--id", "patientid", code=2)
    assert "carry the column over with --id patient_id" in run(*words, "--group", "patient_id", code=2)
    new.rename(columns={"patient_id": "prediction"}).to_csv(tmp_path / "new.csv", index=False)
    assert "a column 'prediction' of their own" in run(*words, "--id", "prediction", code=2)


def test_of_joined_rows_only_what_is_the_patient_s_is_carried(tmp_path):
    frame = two_sites().drop(columns="site")
    frame["who"] = [f"p{i // 2}" for i in range(len(frame))]
    cohort = mg.read(frame, label="ill", group="who")
    facts = {"aggregate": {"how": "mean", "group": "who"}}
    save(tmp_path / "graft", mg.methods["target-only"]().fit(cohort.X, cohort.y), cohort, facts)
    new = frame.assign(ward=[f"w{i // 4}" for i in range(len(frame))], visit=range(len(frame)))
    new.drop(columns="ill").sample(frac=1, random_state=0).to_csv(tmp_path / "new.csv", index=False)
    words = (
        "predict",
        tmp_path / "graft",
        tmp_path / "new.csv",
        "--group",
        "who",
        "--out",
        tmp_path / "p.csv",
    )
    run(*words, "--id", "ward")
    p = pd.read_csv(tmp_path / "p.csv").set_index("who")["ward"]
    assert p.to_dict() == new.drop_duplicates("who").set_index("who")["ward"].to_dict()
    assert "'visit' differs within patients" in run(*words, "--id", "visit", code=2)


def test_predict_says_which_column_is_missing(table, tmp_path):
    arms = ("--arm", "target-only", "--arm", "pooled")
    run(
        "trial",
        table,
        "--label",
        "ill",
        "--domain",
        "site",
        "--target",
        "b",
        *QUICK,
        *arms,
        "--out",
        tmp_path / "o",
    )
    new = tmp_path / "new.csv"
    two_sites().rename(columns={"colour": "color"}).to_csv(new, index=False)
    said = run("predict", tmp_path / "o" / "graft", new, "--out", tmp_path / "p.csv", code=2)
    assert "'colour'" in said and "Did you mean 'color'" in said
    assert not (tmp_path / "p.csv").exists()


def test_predict_never_overwrites_its_own_input(table, tmp_path):
    before = table.read_bytes()
    said = run("predict", tmp_path, table, "--out", table, code=2)
    assert "is the data file" in said and table.read_bytes() == before


def test_predict_says_where_it_cannot_write(table, tmp_path):
    cohort = mg.read(table, label="ill", domain="site")
    save(tmp_path / "g", mg.methods["majority"]().fit(cohort.X, cohort.y), cohort, {})
    for out in (tmp_path, tmp_path / "nowhere" / "p.csv"):
        assert "cannot be written" in run("predict", tmp_path / "g", table, "--out", out, code=2)


def test_report_builds_the_page_again(table, tmp_path):
    arms = ("--arm", "target-only", "--arm", "pooled")
    run(
        "trial",
        table,
        "--label",
        "ill",
        "--domain",
        "site",
        "--target",
        "b",
        *QUICK,
        *arms,
        "--out",
        tmp_path / "o",
    )
    page = tmp_path / "o" / "report.html"
    page.unlink()
    run("report", tmp_path / "o")
    assert page.read_text().lstrip().lower().startswith("<!doctype html")


def bad_inputs(tmp: Path) -> dict[str, tuple[list[object], str]]:
    """Return, by name, a command line and what its one sentence must say."""
    good = two_sites()
    paths = {}
    for name, frame in {
        "good": good,
        "one_class": good.assign(ill="yes"),
        "one_site": good.assign(ill=good["ill"].where(good["site"] != "b", "yes")),
        "group_is_label": good.assign(patient=good["ill"]),
        "tiny": good.groupby(["site", "ill"]).head(2),
    }.items():
        paths[name] = tmp / f"{name}.csv"
        frame.to_csv(paths[name], index=False)
    (tmp / "empty").mkdir()
    image_folder(tmp / "images")
    image_folder(tmp / "corrupt")
    (tmp / "corrupt" / "left" / "0-3.jpg").write_bytes(
        (tmp / "corrupt" / "left" / "0-3.jpg").read_bytes()[:200]
    )
    roles = ["--label", "ill", "--domain", "site", "--target", "b"]
    return {
        "missing file": ([tmp / "nowhere.csv", *roles], "nowhere.csv"),
        "label column absent": ([paths["good"], "--label", "il"], "Did you mean 'ill'"),
        "one class only": ([paths["one_class"], *roles], "one class"),
        "group is the label": ([paths["group_is_label"], *roles, "--group", "patient"], "patient"),
        "group and label are one column": ([paths["good"], *roles, "--group", "ill"], "ill"),
        "fewer samples than folds": ([paths["tiny"], *roles, "--folds", "5"], "fold"),
        "unknown target": ([paths["good"], *roles[:-1], "bb"], "Did you mean 'b'"),
        "unknown arm": ([paths["good"], *roles, "--arm", "corl"], "Did you mean 'coral'"),
        "unknown suffix": ([tmp / "images" / "left" / "0-0.jpg", *roles], "0-0.jpg"),
        "empty folder": ([tmp / "empty"], "empty"),
        "corrupt image": ([tmp / "corrupt", "--source", "timm:mobilenetv2_100"], "0-3.jpg"),
        "nothing to transfer from": ([paths["good"], "--label", "ill"], "nothing to transfer from"),
        "unknown network": ([tmp / "images", "--source", "timm:mobilnetv2_100"], "mobilenetv2_100"),
        "folds is no number": (
            [paths["good"], *roles, "--folds", "many"],
            "--folds takes whole numbers, 'domain' or 'time', not",
        ),
        "target of one class": ([paths["one_site"], *roles], "samples to test on of 'b' have one class only"),
        "budget is no time": ([paths["good"], *roles, "--budget", "soon"], "--budget takes a time"),
    }


CASES = [
    "missing file",
    "label column absent",
    "one class only",
    "group is the label",
    "group and label are one column",
    "fewer samples than folds",
    "unknown target",
    "unknown arm",
    "unknown suffix",
    "empty folder",
    "corrupt image",
    "nothing to transfer from",
    "unknown network",
    "folds is no number",
    "target of one class",
    "budget is no time",
]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_ends_in_one_sentence_and_exit_code_2(case, tmp_path):
    words, expected = bad_inputs(tmp_path)[case]
    said = run("trial", *words, "--out", tmp_path / "out", code=2)
    lines = [line for line in said.splitlines() if line.strip()]
    assert lines[-1].startswith("medgraft: ") and expected in lines[-1], said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists(), "something was written"


def test_every_listed_case_of_bad_input_is_tested(tmp_path):
    assert sorted(bad_inputs(tmp_path)) == sorted(CASES)


@pytest.mark.slow
def test_a_killed_run_is_resumed_to_the_same_numbers(table, tmp_path):
    words = ["trial", table, "--label", "ill", "--domain", "site", "--target", "b", "--repeats", "10"]
    words += ["--labels-per-class", "10", "--jobs", "1"]

    def start(out: str, *more: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "medgraft", *map(str, words), "--out", str(tmp_path / out), *more]
        return subprocess.Popen(line, stdout=subprocess.DEVNULL, env=os.environ)

    assert start("whole").wait() == 0
    victim = start("cut")
    partial = tmp_path / "cut" / "partial"
    for _ in range(3000):
        if partial.exists() and len(list(partial.glob("*.npz"))) > 60:
            break
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not (tmp_path / "cut" / "result.json").exists()
    assert start("cut", "--resume").wait() == 0
    left, right = (pd.read_parquet(tmp_path / d / "predictions.parquet") for d in ("whole", "cut"))
    pd.testing.assert_frame_equal(left, right)
    one, two = (json.loads((tmp_path / d / "result.json").read_text()) for d in ("whole", "cut"))
    assert one["comparisons"] == two["comparisons"] and one["chosen"] == two["chosen"]


@pytest.mark.slow
def test_the_demo_runs_and_writes_its_report(tmp_path):
    said = run("demo", "--out", tmp_path / "demo")
    assert "guarded" in said and (tmp_path / "demo" / "report.html").exists()
