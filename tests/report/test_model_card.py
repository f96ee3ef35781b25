from __future__ import annotations

import pytest

from medgraft.report import build
from medgraft.report.model_card import model_card
from medgraft.report.read import read_run


def test_the_card_lies_beside_the_report_and_has_a_row_for_each_arm(make):
    folder, result = make()
    build(folder)
    card = (folder / "model_card.md").read_text()
    assert card == model_card(read_run(folder))
    rows = [line for line in card.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(result["arms"])
    assert card.count("_To be written by a person") == 2


def test_names_cannot_break_the_table_nor_become_html(make, rewrite):
    folder, result = make()
    for part in (result["arms"][0], result["comparisons"][0]):
        part["name" if "name" in part else "arm"] = "a|b <img src=x> `c`"
    rewrite(folder, result)
    card = model_card(read_run(folder))
    assert "<img" not in card
    assert r"a\|b &lt;img src=x&gt; \`c\`" in card


@pytest.mark.parametrize(
    ("chosen", "final", "says"),
    [
        ("target-only", None, "nothing else"),  # the control is delivered
        ("guarded", "target-only", "nothing else"),  # the guard keeps the control
        ("guarded", "coral", "va and the moon"),
        ("coral", "target-only", "va and the moon"),  # the guard harmed: what it chose is not delivered
        ("guarded", "an arm of another version", "cleveland, hungarian"),
    ],
)
def test_the_card_names_what_the_delivered_model_itself_has_learnt_from(make, rewrite, chosen, final, says):
    folder, result = make()
    next(a for a in result["arms"] if a["name"] == "coral")["source"] = "va and the moon"
    result["guard"]["final"] = {"choice": final} if final else {}
    rewrite(folder, result | {"chosen": chosen})
    assert f"- Learns also from: {says}\n" in model_card(read_run(folder))


def test_a_network_from_scratch_has_learnt_from_no_source(make, rewrite):
    folder, result = make("multiclass", network=True)
    result["arms"][0]["source"] = "resnet18"
    rewrite(folder, result | {"chosen": "scratch"})
    assert "- Learns also from: nothing else (of resnet18 the shape alone)\n" in model_card(read_run(folder))
    assert "<td>nothing else (of resnet18 the shape alone)</td>" in build(folder).read_text()
