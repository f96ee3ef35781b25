from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from medgraft.cohort.audit import registered
from medgraft.report import build
from medgraft.report.alerts import alerts
from medgraft.report.read import read_run

SITE = {
    "check": "site-confound",
    "severity": "warning",
    "sentence": "The site alone predicts it; Cramér's V is 0.5, with an informedness of 0.4.",
    "advice": "Test elsewhere (--folds domain).",
}
COPIES = {"check": "exact-duplicates", "severity": "severe", "sentence": "Copies.", "advice": "Remove them."}


def everywhere(result):
    """The same run, without one target site."""
    return result | {"cohort": result["cohort"] | {"target": None}}


def test_what_a_clinician_reads_first_of_a_site_has_no_figure_and_no_option(make, rewrite):
    folder, result = make()
    for check in ("site-confound", "technical-confound"):
        rewrite(folder, everywhere(result) | {"audit": [SITE | {"check": check}]})
        (told,) = alerts(read_run(folder))
        text = " ".join(told.values())
        assert "disease" in text and not any(w in text for w in ("informedness", "Cramér", "--", "0."))


def test_a_site_alerts_where_one_site_is_tested_only_if_the_audit_grades_it_severe(make, rewrite):
    folder, result = make()
    assert result["cohort"]["target"] == "va"
    rewrite(folder, result | {"audit": [SITE]})
    assert alerts(read_run(folder)) == []
    page = build(folder).read_text()
    assert "Read this first" not in page and "what the other sites teach may put its probabilities" in page
    rewrite(folder, result | {"audit": [SITE | {"severity": "severe"}]})
    assert [a["title"] for a in alerts(read_run(folder))] == ["The site explains the label"]
    assert "what the other sites teach may put" not in build(folder).read_text()


def test_a_check_of_another_version_is_told_in_its_own_words(make, rewrite):
    folder, result = make()
    rewrite(folder, result | {"audit": [COPIES | {"check": "no-such-check"}]})
    assert alerts(read_run(folder)) == [
        {"title": "Found by the audit", "sentence": "Copies.", "advice": "Remove them."}
    ]


def test_every_check_that_can_be_severe_has_a_title_of_its_own():
    found = {name for name in registered if registered[name].title == "Found by the audit"}
    sources = {n: Path(inspect.getfile(registered[n].run)).read_text() for n in found}
    assert not [n for n, text in sources.items() if '"severe"' in text]


def test_a_site_that_tells_the_label_comes_first_and_before_the_verdict_on_the_page(make, rewrite):
    folder, result = make()
    rewrite(folder, everywhere(result) | {"audit": [COPIES, COPIES, SITE | {"severity": "severe"}]})
    found = alerts(read_run(folder))
    assert [a["title"] for a in found] == ["The site explains the label", "Copies of samples"]
    page = build(folder).read_text()
    assert page.index("may learn the sites and not the disease") < page.index('class="verdict')
    assert page.index('class="verdict') < page.index("Cramér&#39;s V") < page.index("(--folds domain)")


def test_a_caution_without_an_audit_points_to_none(make, rewrite):
    folder, result = make()
    rewrite(folder, result | {"caution": "It leaks on purpose.", "audit": []})
    page = build(folder).read_text()
    assert "It leaks on purpose." in page and 'href="#audit"' not in page
    rewrite(folder, result | {"caution": "It leaks on purpose.", "audit": [COPIES]})
    assert 'href="#audit"' in build(folder).read_text()


@pytest.mark.parametrize("severity", ["note", "warning"])
def test_other_findings_are_told_first_only_where_they_are_severe(make, rewrite, severity):
    folder, result = make()
    rewrite(folder, result | {"audit": [COPIES | {"severity": severity}]})
    assert alerts(read_run(folder)) == []
    assert "Read this first" not in build(folder).read_text()


@pytest.mark.parametrize("told", [{"severity": "severe"}, {"numbers": {"cramers_v": 0.82}}])
def test_a_finding_that_is_severe_or_tells_most_is_not_softened(make, rewrite, told):
    folder, result = make()
    rewrite(folder, everywhere(result) | {"audit": [SITE | told]})
    assert alerts(read_run(folder))[0]["title"] == "The site explains the label"


def test_how_samples_were_recorded_is_told_after_what_is_severe(make, rewrite):
    folder, result = make()
    borders = SITE | {"check": "technical-confound"}
    findings = [borders, COPIES, SITE, borders | {"severity": "note"}]
    rewrite(folder, everywhere(result) | {"audit": findings})
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
