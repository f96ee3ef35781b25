"""What every study must have, and what every run of one must give."""

from __future__ import annotations

import json
import re

import pytest

import medgraft as mg
from medgraft.cohort.public import public_sets
from medgraft.report import build
from medgraft.studies import studies
from medgraft.studies.kit.show import card, outcome

KEYS = list(studies)


def test_there_is_one_recipe_for_each_of_the_forty_studies_of_the_review():
    refs = [studies[key].ref for key in KEYS]
    assert {*range(31, 71)} <= {*refs} and len(refs) == len({*refs})


@pytest.mark.parametrize("key", KEYS)
def test_a_card_says_what_a_reader_needs(key):
    s = mg.studies[key]
    assert re.fullmatch(r"10\.\d{4,9}/\S+", s.doi)
    assert s.recipe.__module__ == f"medgraft.studies.{key}" and s.key == key
    assert all((s.title, s.authors, s.venue, s.modality, s.task, s.method, s.access, s.facts))
    text = card(s)
    for name in (*s.data, *s.stand_ins):
        assert name in text
    for figure in s.published:
        assert f"{figure.value:g}" in text and figure.source in text


@pytest.mark.parametrize("key", KEYS)
def test_a_study_is_named_by_the_public_sets_that_it_reads(key):
    s = studies[key]
    named = {name for name, entry in public_sets.items() if key in entry.studies}
    assert set(s.data) <= named, "add the study to the public set's entry"


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_a_generated_run_compares_the_method_with_a_control_and_says_what_it_ran_on(key, tmp_path):
    s = studies[key]
    told = s.run(tmp_path, generated=True)
    assert json.loads((tmp_path / "study.json").read_text())["verdict"] == told["verdict"]
    assert told["protocol"] == "honest" and told["leaks"] == [] and told["data"]["kind"] == "generated"
    first = told["experiments"][0]
    names = [a["name"] for a in first["arms"]]
    assert first["method"] in names and first["control"] in names and first["method"] != first["control"]
    assert told["verdict"] == first["verdict"] in ("helps", "harms", "inconclusive")
    assert first["ci"][0] <= first["difference"] <= first["ci"][1]
    shown = outcome(s, told)
    assert "Generated data" in shown and first["method"] in shown
    for p in s.published:
        assert f"{p.value:g}" in shown and "not ours" in shown
    assert str(tmp_path) not in json.dumps(told)  # no path of the user's machine


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in KEYS if studies[key].leaks])
def test_a_run_as_published_says_its_leaks_in_every_output(key, tmp_path):
    s = studies[key]
    told = s.run(tmp_path, generated=True, protocol="as_published")
    shown = outcome(s, told)
    assert told["leaks"] == list(s.leaks)
    for leak in s.leaks:
        assert leak in shown
    for folder in {p.parent for p in tmp_path.rglob("result.json")}:
        assert not (folder / "graft").exists()  # a model that has seen its test patients
        page = build(folder).read_text()
        for text in (page, (folder / "result.json").read_text(), (folder / "model_card.md").read_text()):
            assert "leaks on purpose" in text and s.key in text and "Generated data" in text
