from __future__ import annotations

import pytest

from medgraft.report import build
from medgraft.report.alerts import alerts
from medgraft.report.read import read_run

SITE = {
    "check": "site-confound",
    "severity": "warning",
    "sentence": "The site alone predicts it.",
    "advice": "Test elsewhere.",
}
COPIES = {"check": "exact-duplicates", "severity": "severe", "sentence": "Copies.", "advice": "Remove them."}


def test_a_site_that_tells_the_label_comes_first_and_before_the_verdict_on_the_page(make, rewrite):
    folder, result = make()
    rewrite(folder, result | {"audit": [COPIES, COPIES, SITE | {"severity": "severe"}]})
    found = alerts(read_run(folder))
    assert [a["title"] for a in found] == ["The site explains the label", "Copies of samples"]
    page = build(folder).read_text()
    assert page.index("The site alone predicts it.") < page.index('class="verdict')


@pytest.mark.parametrize("severity", ["note", "warning"])
def test_other_findings_are_told_first_only_where_they_are_severe(make, rewrite, severity):
    folder, result = make()
    rewrite(folder, result | {"audit": [COPIES | {"severity": severity}]})
    assert alerts(read_run(folder)) == []
    assert "Read this first" not in build(folder).read_text()


@pytest.mark.parametrize("told", [{"severity": "severe"}, {"numbers": {"cramers_v": 0.82}}])
def test_a_finding_that_is_severe_or_tells_most_is_not_softened(make, rewrite, told):
    folder, result = make()
    rewrite(folder, result | {"audit": [SITE | told]})
    assert alerts(read_run(folder))[0]["title"] == "The site explains the label"


def test_how_samples_were_recorded_is_told_after_what_is_severe(make, rewrite):
    folder, result = make()
    borders = SITE | {"check": "technical-confound"}
    rewrite(folder, result | {"audit": [borders, COPIES, SITE, borders | {"severity": "note"}]})
    assert [a["title"] for a in alerts(read_run(folder))] == [
        "The site partly explains the label",
        "Copies of samples",
        "How the sample was recorded partly explains the label",
    ]


def test_of_several_findings_of_a_kind_the_gravest_keeps_its_place(make, rewrite):
    folder, result = make()
    other = COPIES | {"check": "same-patient"}
    rewrite(folder, result | {"audit": [COPIES, other, COPIES | {"sentence": "More."}]})
    found = alerts(read_run(folder))
    assert [(a["title"], a["sentence"]) for a in found] == [
        ("Copies of samples", "Copies."),
        ("The same patient twice", "Copies."),
    ]
