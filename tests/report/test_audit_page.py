"""The page of an audit."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.audit import Audit, Finding, audit
from medgraft.report.audit_page import build_audit, render_audit

EVIL = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


class Text(HTMLParser):
    """Collects tags and text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 4)), columns=list("abcd")).assign(ill=["no", "yes"] * 30)
    table = pd.concat([table, table[:3], table.iloc[[5]].assign(ill="no")], ignore_index=True).assign(e=1.0)
    return audit(read(table, label="ill", features=list("abcde")))


def page_of(finding=None, **counts):
    findings = [] if finding is None else [finding]
    return render_audit(
        Audit(findings, ("row-order",), [{"part": "data", "rows": 3, "kind": "table"}]).to_dict()
    )


def test_every_finding_is_told_with_advice_figures_and_rows(found, tmp_path):
    page = build_audit(found.to_dict(), tmp_path / "new").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", " ".join(Text(page).text))
    for finding in found.findings:
        assert finding.sentence in text and finding.advice in text
    assert "data row 61" in text and "another label" in text
    assert page.count("<article") == len(found.findings) > 1


def test_it_needs_no_network_and_runs_no_script(found):
    page = render_audit(found.to_dict())
    assert not {"script", "link", "img", "iframe"} & set(Text(page).tags)
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("severity", ["severe", "warning", "note"])
def test_the_worst_severity_is_the_verdict(severity):
    page = page_of(Finding("row-order", severity, "Sorted.", "Nothing."))
    said = {"severe": "Mend this before", "warning": "Look at this before", "note": "Nothing stands against"}
    assert said[severity] in page


def test_nothing_found_is_good_news():
    page = page_of()
    assert "Nothing was found that stands against training." in page and "verdict good" in page


def test_hostile_names_are_shown_as_text():
    finding = Finding(
        EVIL, "severe", EVIL, EVIL, {EVIL: EVIL}, [{"part": EVIL, "row": 1, "file": EVIL, EVIL: EVIL}]
    )
    page = page_of(finding)
    assert not {"script", "img"} & set(Text(page).tags)
    assert EVIL in "".join(Text(page).text)


def test_many_rows_are_cut_and_said_to_be():
    rows = [{"rows": [{"part": "data", "row": i}, {"part": "test", "row": i}], "r": 0.5} for i in range(100)]
    page = page_of(Finding("x", "note", "Many.", "", {"n": 100}, rows))
    assert page.count("<td><ul>") == 40 and "60 more are listed in audit.json" in page


def test_a_page_that_cannot_be_written_is_said(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MedgraftError, match="cannot be written"):
        build_audit(found.to_dict(), tmp_path / "file")
