"""[66]: pictures merged from sources that share pictures."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.studies import studies
from planned import on_both_sides, trials_of


def test_a_picture_of_two_sources_teaches_and_is_tested_as_published_alone(tmp_path, monkeypatch):
    honest = trials_of("alnuaimi2024", tmp_path, monkeypatch)
    leaking = trials_of("alnuaimi2024", tmp_path, monkeypatch, protocol="as_published")
    content = honest[0].cohort.content()
    assert len(np.unique(content)) < len(content)  # sources do share pictures
    assert on_both_sides(honest[0].cohort, content) == 0
    assert on_both_sides(leaking[0].cohort, content) > 0
    # Nor does a copy teach where a whole source is held out.
    for asked, shared in ((honest[1], False), (leaking[1], True)):
        taught, tested = asked.cohort.content(), asked.settings["test"].content()
        assert np.isin(tested, taught).any() == shared


def test_the_source_that_is_held_out_teaches_nothing(tmp_path, monkeypatch):
    _, unseen = trials_of("alnuaimi2024", tmp_path, monkeypatch)
    test = unseen.settings["test"]
    assert len(set(test.table["site"])) == 1
    assert not set(test.table["site"]) & set(unseen.cohort.table["site"])


def test_one_source_alone_cannot_be_held_out(shared_data, tmp_path, monkeypatch):
    data = [shared_data("ham10000")]
    asked = trials_of("alnuaimi2024", tmp_path, monkeypatch, data=data, limit=5)
    assert [trial.title for trial in asked] == ["Kinds of skin disease"]


@pytest.mark.slow
def test_what_the_networks_knew_is_what_helps(tmp_path):
    told = studies["alnuaimi2024"].run(tmp_path, generated=True)
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
    assert [e["title"] for e in told["experiments"]] == ["Kinds of skin disease", "A source never seen"]
    assert any(a["name"].startswith("scratch:source=plain_cnn") for a in told["experiments"][0]["arms"])
