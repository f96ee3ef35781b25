"""``medgraft sources`` on the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import medgraft.cli.audit  # a second verb, so that the first needs its name
import medgraft.cli.sources  # noqa: F401
from medgraft.cli.app import app
from samples import two_sites


def run(*words, code=0):
    result = CliRunner().invoke(app, ["sources", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "cohort.csv"
    two_sites().to_csv(path, index=False)
    return path


def test_the_sources_are_printed_and_written(table, tmp_path):
    out = tmp_path / "sources.json"
    text = run(table, "--label", "ill", "--domain", "site", "--target", "b", "--out", out)
    facts = json.loads(out.read_text())
    assert facts["target"] == "b"
    assert facts["metric"] == "auroc"
    assert [s["name"] for s in facts["sources"]] == ["a"]
    assert f"{facts['sources'][0]['value']:.3f}" in text
    assert "A-distance" in text


def test_what_is_missing_is_said_in_one_sentence(table):
    assert "Say it with --target" in run(table, "--label", "ill", "--domain", "site", code=2)
    assert "no source to rank" in run(table, "--label", "ill", code=2)
