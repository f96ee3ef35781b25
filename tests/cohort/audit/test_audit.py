"""The audit as a whole: what it gives, what it writes, and what it keeps to itself."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.audit import Finding, audit, check, registered
from medgraft.cohort.audit.finding import MAX_ROWS, plain, worst
from medgraft.cohort.deid import pseudonym


def frame(n=60, seed=0):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    return made.assign(ill=rng.choice(["no", "yes"], n), who=[f"Ana {i // 2}" for i in range(n)])


def cohort(table, **roles):
    return read(table, **({"label": "ill", "features": list("abcd"), "group": "none"} | roles))


@pytest.fixture
def images(tmp_path):
    """Six pictures of three patients, two of which are one picture."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(6):
        path = tmp_path / "Meier_Anna" / f"Meier{i:02d}x.png"
        path.parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(max(i, 1)).integers(0, 255, (64, 64))
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        rows.append({"file": str(path), "ill": "ny"[i % 2], "who": f"Anna Meier {i}", "x": rng.normal()})
    return read(pd.DataFrame(rows), label="ill", image="file", group="who")


def test_findings_come_severe_first_and_say_rows_that_count_from_1():
    table = pd.concat([frame(), frame().iloc[[3]]], ignore_index=True)
    found = audit(cohort(table.assign(e=1.0), features=list("abcde")))
    order = [f.severity for f in found.findings]
    assert order == sorted(order, key=["severe", "warning", "note"].index) and found.worst == order[0]
    copies = next(f for f in found.findings if f.check == "exact-duplicates")
    assert copies.rows == [{"rows": [{"part": "data", "row": 4}, {"part": "data", "row": 61}]}]
    assert copies.numbers["pairs"] == 1 and copies.severity == "severe"
    assert found.count("note") == order.count("note")


def test_it_is_written_as_json_that_reads_back(tmp_path):
    found = audit(cohort(frame(), group="who"), test=cohort(frame(20, 1), group="who"))
    path = found.write(tmp_path / "new" / "folder")
    data = json.loads(path.read_text())
    assert data == found.to_dict() and data["worst"] == found.worst
    assert [p["part"] for p in data["parts"]] == ["data", "test"] and data["parts"][1]["rows"] == 20
    assert set(data["checks"]) <= set(registered)
    assert not list(path.parent.glob("*.tmp"))


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MedgraftError, match="cannot be written"):
        audit(cohort(frame()), only=["row-order"]).write(tmp_path / "file")


def test_neither_names_nor_paths_are_written_unless_asked(images, tmp_path):
    found = audit(images)
    assert any(f.check == "exact-duplicates" for f in found.findings)
    hidden = json.dumps(found.to_dict()) + str(found)
    assert "Meier" not in hidden and str(tmp_path) not in hidden
    assert pseudonym("Anna Meier 0") in hidden
    shown = json.dumps(found.to_dict(show_files=True))
    assert "Meier00x.png" in shown and str(tmp_path) not in shown and "Anna Meier" not in shown


def test_no_sentence_of_any_check_names_a_patient():
    table = frame().assign(who=lambda t: "Zoltan " + t["who"])
    for roles in ({"group": "who"}, {"features": [*"abcd", "who"]}):
        found = audit(cohort(table, **roles), test=cohort(table[:20], **roles))
        assert "Zoltan" not in json.dumps(found.to_dict())


def test_only_some_checks_may_be_run():
    found = audit(cohort(frame()), only=["*columns", "row-order"])
    assert "row-order" in found.checks and "constant-columns" in found.checks
    assert "exact-duplicates" not in found.checks
    with pytest.raises(MedgraftError, match="Did you mean 'row-order'"):
        audit(cohort(frame()), only=["row-orders"])


def test_fewer_than_two_folds_and_mixed_kinds_are_refused(images):
    with pytest.raises(MedgraftError, match="at least 2 folds"):
        audit(cohort(frame()), folds=1)
    with pytest.raises(MedgraftError, match="of kind table"):
        audit(images, test=cohort(frame()))


def test_a_check_is_one_decorated_function():
    @check("no-more-than-fifty")
    def more(case):
        """Cohorts of more than fifty rows."""
        return [Finding("no-more-than-fifty", "note", f"{case.n} rows.", "", {})] if case.n > 50 else []

    try:
        assert registered["no-more-than-fifty"].summary == "Cohorts of more than fifty rows."
        assert [f.sentence for f in audit(cohort(frame()), only=["no-more*"]).findings] == ["60 rows."]
    finally:
        del registered._entries["no-more-than-fifty"]


def test_every_check_says_in_one_line_what_it_looks_for():
    for name in registered:
        summary = registered[name].summary
        assert summary.endswith((".", ":")) and len(summary) < 120, name


def test_samples_are_opened_once(images, monkeypatch):
    from medgraft.cohort.audit import sketch_image

    opened = []
    real = sketch_image.sketch
    monkeypatch.setattr(sketch_image, "sketch", lambda text: opened.append(text) or real(text))
    steps = []
    audit(images, progress=lambda done, total: steps.append((done, total)))
    assert len(opened) == len(set(opened)) == 6
    assert steps == [(i + 1, 6) for i in range(6)]


def test_listed_rows_are_limited_but_counted(tmp_path):
    table = frame(40)
    table = pd.concat([table, *[table] * 30], ignore_index=True)
    copies = next(f for f in audit(cohort(table)).findings if f.check == "exact-duplicates")
    assert len(copies.rows) == MAX_ROWS and copies.numbers["pairs"] == 40 * 30


def test_nothing_found_is_said():
    found = audit(cohort(frame(80)), only=["constant-columns"])
    assert found.worst is None and "nothing found" in str(found) and worst([]) is None


def test_a_cohort_without_labels_is_audited_for_what_needs_none():
    table = pd.concat([frame(), frame()[:5]]).drop(columns="ill")
    found = audit(read(table.reset_index(drop=True), group="none", require_label=False))
    assert "exact-duplicates" in {f.check for f in found.findings}


def test_a_source_is_a_site_of_its_own():
    sick = frame(80, 1).assign(ill=["yes"] * 74 + ["no"] * 6)
    found = audit(cohort(frame(80).assign(ill=["no"] * 70 + ["yes"] * 10)), sources=[cohort(sick)])
    site = next(f for f in found.findings if f.check == "site-confound")
    assert site.numbers["counts"] == {"data": {"no": 70, "yes": 10}, "source 1": {"no": 6, "yes": 74}}
    table = np.array([[70, 10], [6, 74]])
    chi2 = 160 * (70 * 74 - 10 * 6) ** 2 / (80 * 80 * 76 * 84)
    phi = chi2 / 160 - 1 / 159
    assert site.numbers["cramers_v"] == pytest.approx(np.sqrt(phi / (1 - 1 / 159))) and table.sum() == 160


def test_rows_of_few_values_that_chance_makes_equal_are_a_note():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 2, (80, 4)), columns=list("abcd")).assign(
        ill=rng.choice(["n", "y"], 80)
    )
    copies = [f for f in audit(cohort(table)).findings if f.check == "exact-duplicates"]
    assert [f.severity for f in copies] == ["note"]


def test_values_become_plain_json():
    assert plain({1: (np.float32(0.5), np.bool_(True), float("inf"), None, "x")}) == {
        "1": [0.5, True, None, None, "x"]
    }
