from __future__ import annotations

import io
import zipfile

import pytest
from typer.testing import CliRunner

import medgraft.cli.fetch
import medgraft.cli.report  # noqa: F401  (with one verb alone, the application would not ask for its name)
from medgraft.cli.app import app
from medgraft.cohort.public import PublicSet, Remote, public_sets


def run(*words: object, code: int = 0):
    result = CliRunner().invoke(app, ["fetch", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def toy(monkeypatch):
    files = (Remote("http://127.0.0.1:9/t.zip", "t.zip", unpack=True),)
    entry = PublicSet(
        "toy", "A toy", "10.1/x", "CC0", files, ("t.csv",), home="https://example.org", note="Mind."
    )
    public_sets._fill()
    monkeypatch.setitem(public_sets._entries, "toy", entry)
    monkeypatch.setattr("medgraft.cohort.public.download.WAIT", 0.0)


def test_the_list_shows_every_set_with_its_licence():
    lines = run("--list").output.splitlines()
    assert len(lines) == len(public_sets) and all(
        entry.licence in "".join(lines) for entry in public_sets.values()
    )
    assert next(line for line in lines if line.startswith("brain_tumour_mri")).endswith(
        "Kaggle account needed]"
    )


def test_a_local_copy_is_checked_and_its_place_and_licence_told(toy, tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.writestr("t.csv", "a\n1\n")
    result = run("toy", "--local", tmp_path / "mine.zip", "--out", tmp_path / "data")
    assert f"A toy: {tmp_path / 'data' / 'toy'}" in result.output and "Licence: CC0" in result.output
    assert "Cite doi:10.1/x" in result.output and "medgraft: Mind." in result.output
    assert (tmp_path / "data" / "toy" / "t.csv").exists()


def test_what_goes_wrong_ends_in_one_sentence(toy, tmp_path):
    for words, expected in (
        ((), "--list"),
        (("hart",), "Did you mean 'heart'"),
        (("toy", "--out", tmp_path), "http://127.0.0.1:9/t.zip"),
        (("ham10000", "--out", tmp_path), "--accept-licence"),
        (("toy", "--local", tmp_path / "no"), "does not exist"),
    ):
        last = run(*words, code=2).output.strip().splitlines()[-1]
        assert last.startswith("medgraft: ") and expected in last


def test_a_bad_archive_leaves_nothing(toy, tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../t.csv", "a\n1\n")
    (tmp_path / "mine.zip").write_bytes(out.getvalue())
    assert (
        "outside its folder"
        in run("toy", "--local", tmp_path / "mine.zip", "--out", tmp_path / "d", code=2).output
    )
    assert not (tmp_path / "d" / "t.csv").exists()
