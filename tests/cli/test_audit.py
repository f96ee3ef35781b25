"""``medgraft audit`` on the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft.cli.audit
import medgraft.cli.report  # noqa: F401  (a second verb, so that the first needs its name)
from medgraft.cli.app import app
from samples import image_folder, two_sites


@pytest.fixture(autouse=True)
def _own_salt(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_HOME", str(tmp_path / "home"))


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(w) for w in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def leaky(tmp_path):
    frame = two_sites()
    frame["treated"] = np.where(frame["ill"] == "yes", 1.0, 0.0)
    path = tmp_path / "leaky.csv"
    frame.to_csv(path, index=False)
    return path


def test_findings_are_printed_severe_first_and_written(leaky, tmp_path):
    said = run("audit", leaky, "--label", "ill", "--domain", "site", "--out", tmp_path / "o")
    assert "SEVERE (leaking-columns)" in said and "'treated'" in said
    assert said.index("SEVERE") < said.index("audit.json")
    data = json.loads((tmp_path / "o" / "audit.json").read_text())
    assert data["worst"] == "severe" and data["counts"]["severe"] == 1
    page = (tmp_path / "o" / "audit.html").read_text()
    assert "Mend this before you train" in page and str(tmp_path) not in page + json.dumps(data)


def test_strict_ends_with_1_where_something_is_severe_and_0_elsewhere(leaky, tmp_path):
    words = ("--label", "ill", "--strict", "--out", tmp_path / "o")
    run("audit", leaky, *words, code=1)
    assert (tmp_path / "o" / "audit.json").exists()
    two_sites().to_csv(tmp_path / "clean.csv", index=False)
    said = run("audit", tmp_path / "clean.csv", *words)
    assert "SEVERE" not in said


def test_test_data_and_sources_are_compared_with_the_data(tmp_path):
    frame = two_sites()
    frame[:100].to_csv(tmp_path / "a.csv", index=False)
    frame[90:120].to_csv(tmp_path / "test.csv", index=False)
    pd.concat([frame[120:], frame[:4]]).to_csv(tmp_path / "s.csv", index=False)
    words = ("--label", "ill", "--test", tmp_path / "test.csv", "--source", tmp_path / "s.csv")
    said = run("audit", tmp_path / "a.csv", *words, "--source", "timm:resnet18", "--out", tmp_path / "o")
    assert "10 of 30 test rows have exact copies in what is learnt from." in said
    assert "4 rows of the data have exact copies in a source." in said
    assert "data 100 rows, test 30 rows, source 1 84 rows" in said


def test_files_are_named_only_on_request(tmp_path):
    folder = image_folder(tmp_path / "scans")
    first = sorted((folder / "left").iterdir())[0]
    (folder / "right" / "Meier-Anna.jpg").write_bytes(first.read_bytes())
    for words, shown in (((), False), (("--show-files",), True)):
        run("audit", folder, "--check", "exact-duplicates", *words, "--out", tmp_path / "o")
        for name in ("audit.json", "audit.html"):
            assert ("Meier-Anna.jpg" in (tmp_path / "o" / name).read_text()) == shown


def test_without_a_label_it_says_what_was_not_checked(tmp_path):
    two_sites().drop(columns="ill").to_csv(tmp_path / "a.csv", index=False)
    assert "There is no label (--label)" in run("audit", tmp_path / "a.csv", "--out", tmp_path / "o")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nothing.csv",), "does not exist"),
        (("leaky.csv", "--label", "il"), "Did you mean 'ill'"),
        (("leaky.csv", "--label", "ill", "--check", "exact-dups"), "Did you mean 'exact-duplicates'"),
        (("leaky.csv", "--label", "ill", "--source", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_exit_code_2(leaky, tmp_path, monkeypatch, words, sentence):
    monkeypatch.chdir(tmp_path)
    said = run("audit", *words, "--out", tmp_path / "o", code=2)
    assert sentence in said and "Traceback" not in said
