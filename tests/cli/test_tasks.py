"""Stages, several labels and patients on the command line, from the trial to the prediction."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft.cli.predict
import medgraft.cli.sources
import medgraft.cli.trial  # noqa: F401  (registers the verbs)
from medgraft.cli.app import app


def run(*words, code=0):
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def table(tmp_path):
    """Two records of each of 60 patients at two sites: a stage, and two findings."""
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(60), 2)
    x = rng.normal(size=(120, 2)) + rng.normal(size=(60, 2))[who]
    mean = (x[::2, 0] + x[1::2, 0])[who] / 2
    frame = pd.DataFrame(x, columns=["u", "v"])
    frame["stage"] = np.array(["mild", "moderate", "severe"])[np.digitize(mean, [-0.4, 0.4])]
    frame["flu"], frame["gout"] = (mean > 0).astype(int), (who % 3 == 0).astype(int)
    frame["site"], frame["who"] = np.where(who < 30, "a", "b"), [f"p{w}" for w in who]
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


BASE = ("--domain", "site", "--target", "b", "--folds", 2, "--jobs", 1, "--group", "who", "--arm", "pooled")


def features(table, columns):
    """The table without what is to be predicted."""
    path = table.with_name("new.csv")
    pd.read_csv(table).drop(columns=columns).to_csv(path, index=False)
    return path


def test_stages_need_their_order_and_are_then_judged_by_quadratic_kappa(table, tmp_path):
    words = ("trial", features(table, ["flu", "gout"]), "--label", "stage", "--task", "ordinal", *BASE)
    said = run(*words, "--out", tmp_path / "o", code=2)
    assert "cannot be told from their names: give it with --levels" in " ".join(said.split())
    assert not (tmp_path / "o").exists()
    levels = ("--levels", "mild,moderate,severe", "--arm", "pooled+ordinal")
    said = run(*words, *levels, "--out", tmp_path / "o")
    assert "quadratic_kappa" in said
    result = json.loads((tmp_path / "o" / "result.json").read_text())
    assert result["cohort"]["classes"] == ["mild", "moderate", "severe"]
    assert {"quadratic_kappa", "mae_levels", "auroc"} <= set(result["arms"][0]["metrics"])


def test_patients_are_predicted_by_a_graft_that_was_tested_on_patients(table, tmp_path):
    data = features(table, ["stage", "gout"])
    out = tmp_path / "o"
    run("trial", data, "--label", "flu", *BASE, "--aggregate", "mean", "--out", out)
    new = features(table, ["stage", "gout", "flu", "site"])
    said = run("predict", out, new, "--group", "who", "--out", tmp_path / "p.csv")
    assert "Wrote 60 predictions of patients (from 120 samples)" in said
    assert pd.read_csv(tmp_path / "p.csv").columns.tolist()[:3] == ["row", "who", "rows"]
    said = run("predict", out, new, "--group", "none", "--out", tmp_path / "p.csv")
    assert "say with --group which column" in " ".join(said.split())
    assert len(pd.read_csv(tmp_path / "p.csv")) == 120


def test_group_has_no_place_where_single_samples_were_tested(table, tmp_path):
    run("trial", features(table, ["stage", "gout"]), "--label", "flu", *BASE, "--out", tmp_path / "o")
    new = features(table, ["stage", "gout", "flu", "site"])
    said = run("predict", tmp_path / "o", new, "--group", "who", "--out", tmp_path / "p.csv", code=2)
    assert "tested on single samples" in " ".join(said.split())
    assert not (tmp_path / "p.csv").exists()


def test_several_columns_are_several_labels_and_sources_are_ranked_for_one(table, tmp_path):
    data = features(table, ["stage"])
    run("trial", data, "--label", "flu,gout", *BASE, "--out", tmp_path / "o")
    assert list(json.loads((tmp_path / "o" / "result.json").read_text())["arms"][0]["labels"]) == [
        "flu",
        "gout",
    ]
    run("predict", tmp_path / "o", features(table, ["stage", "flu", "gout"]), "--out", tmp_path / "p.csv")
    assert {"p_flu", "p_gout"} <= set(pd.read_csv(tmp_path / "p.csv").columns)
    words = ("sources", table, "--label", "flu,gout", "--domain", "site", "--target", "b")
    assert "ranked for one label at a time" in " ".join(run(*words, code=2).split())
