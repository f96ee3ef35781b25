from __future__ import annotations

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
