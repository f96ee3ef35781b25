"""``medgraft studies`` as a user sees it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from medgraft.cli import studies as _  # noqa: F401  (registers the verb)
from medgraft.cli.app import app


def call(*words):
    return CliRunner().invoke(app, ["studies", *map(str, words)])


def test_the_list_has_a_line_and_the_data_of_each_study_in_the_reviews_order():
    lines = call("list").stdout.splitlines()
    refs = [int(line[1:3]) for line in lines if line.startswith("[")]
    assert refs == sorted(refs) and 48 in refs
    assert "ckd (open, UCI)" in call("list", "alturki*").stdout


@pytest.mark.parametrize(
    ("words", "there", "absent"),
    [
        (("--transfer", "none"), "alturki2024", "rasa2024"),
        (("--modality", "MRI"), "rasa2024", "alturki2024"),
        (("--data", "ckd"), "alturki2024", "rasa2024"),
    ],
)
def test_the_list_can_be_filtered(words, there, absent):
    shown = call("list", *words).stdout
    assert there in shown and absent not in shown


def test_a_filter_that_fits_nothing_and_an_unknown_key_end_in_a_sentence():
    none = call("list", "--modality", "tarot")
    assert none.exit_code == 2 and "brain MRI; " in none.stderr
    assert "Did you mean 'rasa2024'?" in call("list", "rasa2025").stderr
    wrong = call("show", "rasa2025")
    assert wrong.exit_code == 2 and "Did you mean 'rasa2024'?" in wrong.stderr


def test_a_card_has_citation_data_published_figures_with_their_source_and_caveats():
    shown = call("show", "rasa2024").stdout
    for part in ("10.1177/20552076241286140", "Training/glioma_tumor", "0.9996 (read in:", "Caveats:"):
        assert part in shown


@pytest.mark.parametrize("number", ["38", "[38]"])
def test_a_study_has_its_number_in_the_review_for_a_second_name(number):
    assert call("show", number).stdout == call("show", "rasa2024").stdout
    assert "rasa2024" in call("list", number).stdout
    assert "from 31 to 70" in call("show", "8").stderr


def test_a_generated_run_writes_an_account_and_reports_and_says_what_it_found(tmp_path):
    pytest.importorskip("imblearn")
    done = call("run", "alturki2024", "--generated", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    told = json.loads((tmp_path / "out" / "study.json").read_text())
    assert "Generated data" in done.stdout and "(control)" in done.stdout
    assert f"{told['experiments'][0]['difference']:+.3f}" in done.stdout
    assert list((tmp_path / "out").rglob("report.html"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--out", "x"), "Which study?"),
        (("run", "rasa2024"), "Where shall the results go?"),
        (("run", "--all", "--out", "x"), "add --generated"),
        (("run", "rasa2024", "--out", "x"), "kaggle.com"),
        (("run", "rasa2024", "--out", "x", "--generated", "--protocol", "honst"), "Did you mean 'honest'?"),
    ],
)
def test_a_mistake_ends_in_one_sentence_and_exit_code_2(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed = call(*words)
    assert failed.exit_code == 2 and said in failed.stderr
    assert not list(tmp_path.iterdir())
