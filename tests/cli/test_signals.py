"""``medgraft signals`` on the command line, and the trial that it makes ready for."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import medgraft.cli.report
import medgraft.cli.signals  # noqa: F401
from medgraft.cli.app import app
from medgraft.cohort import read
from medgraft.trial import Trial
from small_edf import write_edf

RATE = 50


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def folder(tmp_path):
    """Six patients; the right fist's windows are four times as large."""
    rng = np.random.default_rng(0)
    for i in range(6):
        X = 50 * rng.normal(size=(2, 24 * RATE))
        notes = [(3.0 * k, 3.0, ("T1", "T2")[k % 2]) for k in range(8)]
        for start, seconds, text in notes:
            if text == "T2":
                X[:, round(start * RATE) : round((start + seconds) * RATE)] *= 4
        write_edf(tmp_path / "eeg" / f"S{i:03}R01.edf", np.round(X), RATE, notes)
    return tmp_path / "eeg"


def test_what_was_cut_is_told_and_the_next_command_just_runs(folder, tmp_path):
    out = tmp_path / "o"
    words = ("--events", "T1=left,T2=right", "--window", "0.5,2.5", "--reading", "low=5,high=20")
    said = run("signals", folder, *words, "--out", out)
    assert "48 windows of 2 seconds from 6 recordings of 6 patients: 2 channels at 50 Hz." in said
    assert "left                          24         6" in said
    assert "--group patient" in said
    command = next(line for line in said.splitlines() if line.startswith("medgraft trial")).split()
    roles = dict(zip(command[3:-2:2], command[4:-2:2], strict=True))
    cohort = read(command[2], **{name.removeprefix("--"): column for name, column in roles.items()})
    trial = Trial(cohort, ["target-only"], folds=2, views=["statistics"])
    rows = trial.run(tmp_path / "run").predictions
    assert len(rows) == 48 and (rows.groupby("patient")["fold"].nunique() == 1).all()
    right = rows[f"p_{cohort.classes.index('right')}"]
    assert ((right > 0.5) == (rows["y_true"].astype(str).isin(["right", "1"]))).all()  # four times as large


def test_one_patient_is_told_to_be_grouped_by_recording_and_alignment_is_owned_up_to(folder, tmp_path):
    words = ("--epochs", "1", "--overlap", "0.5", "--align", "euclidean", "--align-by", "recording")
    said = run("signals", folder / "S000R01.edf", *words, "--out", tmp_path / "o")
    assert "40 windows of 1 seconds from 1 recordings" in said
    assert "--group recording (there is one patient only)" in said
    assert "Aligned by recording" in said and "Say so beside the figures" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give one of the two"),
        (("--epochs", "2", "--events", "T1=a", "--window", "0,1"), "give one of the two"),
        (("--events", "T1=a"), "--events and --window go together"),
        (("--epochs", "2", "--window", "0,1"), "--events and --window go together"),
        (("--events", "T1=a", "--window", "0;1"), "--window takes two numbers"),
        (("--events", "T1", "--window", "0,1"), "--events takes EVENT=LABEL"),
        (("--events", "T1=a", "--window", "1,0"), "Windows last more than 0 seconds"),
        (("--events", "T1=a", "--window", "0,1", "--overlap", "0.5"), "do not overlap evenly"),
        (("--epochs", "2", "--label", "stage"), "The label column 'stage' is not in"),
    ],
)
def test_what_contradicts_itself_ends_in_a_sentence_and_nothing_is_written(folder, tmp_path, words, says):
    said = run("signals", folder, *words, "--out", tmp_path / "o", code=2)
    assert says in said and not (tmp_path / "o").exists()
