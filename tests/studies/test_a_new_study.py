"""The study of CONTRIBUTING.md's section: a file as it stands there is listed, shown and run."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import medgraft.cli.studies
import medgraft.studies
from medgraft.cli.app import app
from medgraft.studies import studies
from planned import on_both_sides, trials_of

KEY = "nobody2026"
GUIDE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


@pytest.fixture(scope="module")
def text():
    section = GUIDE.read_text().split("## Add a study\n")[1]
    return re.search(r"```python\n(.*?)```", section, re.S)[1]


@pytest.fixture
def invented(text, tmp_path):
    """Import the file as a module of the studies' package, and forget it afterwards."""
    known = list(studies)
    name, file = f"medgraft.studies.{KEY}", tmp_path / f"{KEY}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    setattr(medgraft.studies, KEY, sys.modules[name])
    try:
        spec.loader.exec_module(sys.modules[name])
        yield studies[KEY]
    finally:
        studies._entries.pop(KEY, None)
        del sys.modules[name]
        delattr(medgraft.studies, KEY)
    assert list(studies) == known


def said(*arguments):
    found = CliRunner().invoke(app, ["studies", *map(str, arguments)])
    assert found.exit_code == 0, found.output
    return found.output


def test_a_study_is_one_short_file(text):
    assert len(text.splitlines()) < 80


def test_it_is_listed_and_shown_with_what_was_stated(invented):
    assert f"[99] {KEY}" in said("list", "nobody*") and KEY in said("list", "--transfer", "feature")
    shown = " ".join(said("show", KEY).split())
    assert invented.summary == "Does the larger hospital help the smaller one?" and invented.summary in shown
    assert "Two hospitals. [read]" in shown and "small hospital: AUROC 0.9 (read in: abstract)" in shown
    assert "It does not exist." in shown and "visits of one patient are dealt to both sides" in shown


@pytest.mark.slow
def test_it_is_run_under_both_protocols(invented, tmp_path):
    out = tmp_path / "run"
    told = said("run", KEY, "--generated", "--protocol", "both", "--no-report", "--out", out)
    assert "Optimism of the leaks" in told and "A leak, on purpose" in told
    account = json.loads((out / "study.json").read_text())
    (first,) = account["honest"]["experiments"]
    assert first["method"] == "coral" and first["control"] == "target-only"
    assert [a["name"] for a in first["arms"]] == ["target-only", "pooled", "coral"]


def test_its_leak_is_there_as_published_and_gone_when_honest(invented, tmp_path, monkeypatch):
    (honest,) = trials_of(KEY, tmp_path, monkeypatch)
    (leaking,) = trials_of(KEY, tmp_path, monkeypatch, protocol="as_published")
    patient = honest.cohort.groups
    assert on_both_sides(honest.cohort, patient) == 0 < on_both_sides(leaking.cohort, patient)


def test_it_is_forgotten_afterwards():
    assert KEY not in studies
