from __future__ import annotations

import numpy as np
import pandas as pd

from medgraft.report import build
from medgraft.report.read import read_run
from medgraft.report.tripod import checklist

# Items of the paper that no software can answer.
PERSONS = {"3a", "3b", "3c", "5b", "6a", "17", "18a", "18b", "18c", "18d", "18e", "19", "25", "27b", "27c"}


def test_the_checklist_has_every_item_once_and_in_order(make):
    folder, _ = make()
    numbers = [item["number"] for item in checklist(read_run(folder))]
    assert len(numbers) == len(set(numbers)) == 52
    assert sorted({int(n.rstrip("abcdefg")) for n in numbers}) == list(range(1, 28))


def test_what_only_a_person_knows_stays_blank(make):
    folder, _ = make()
    said = {item["number"]: item["says"] for item in checklist(read_run(folder))}
    assert all(said[n] == "" for n in PERSONS)
    page = build(folder).read_text()
    table, left = page.split('<table class="checklist">')[1].split("Left for you to write</h3>")
    for number, told in said.items():
        assert (f'<th scope="row">{number}</th>' in table) == bool(told)
        assert (f"<li><strong>{number}</strong> " in left) == (not told)


def test_what_the_run_knows_is_told_with_its_figures(make):
    folder, result = make()
    said = {item["number"]: item["says"] for item in checklist(read_run(folder))}
    assert said["4"] == result["question"]
    assert "20 to 24 target samples" in said["21"]
    assert "20.4 %" in said["11"]
    assert said["14"].startswith("AUROC by sex")


def test_a_model_and_a_command_are_named_only_where_there_are_any(make, rewrite):
    folder, result = make()
    rewrite(folder, result | {"command": ""})
    said = {item["number"]: item["says"] for item in checklist(read_run(folder))}
    assert said["22"] == "No model is kept with this run." and said["27a"] == ""
    assert "Repeat it" not in said["18f"]
    (folder / "graft").mkdir()
    rewrite(folder, result | {"command": "medgraft trial"})
    said = {item["number"]: item["says"] for item in checklist(read_run(folder))}
    assert said["22"].startswith("The folder graft/ holds the whole model")
    assert "Repeat it" in said["18f"]


def test_figures_by_site_are_promised_only_where_several_sites_were_tested(make, rewrite):
    folder, _ = make()
    said = {item["number"]: item["says"] for item in checklist(read_run(folder))}
    assert said["12d"] == said["23b"] == "One site was tested, 'va': how sites differ was not estimated."
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame["domain"] = np.where(frame["group"] < 30, "here", "there")
    frame.to_parquet(folder / "predictions.parquet")
    said = {item["number"]: item["says"] for item in checklist(read_run(folder))}
    assert said["12d"] == said["23b"] == "Figures by site: section “Subgroups”. Sites tested: here, there."
    assert "site: here" in build(folder).read_text()
