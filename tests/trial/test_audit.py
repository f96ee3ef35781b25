"""A trial looks for leaks before it trains, and its result tells them."""

from __future__ import annotations

import json

import medgraft as mg
from samples import two_sites


def test_a_column_that_gives_the_label_away_is_in_the_result_and_in_the_report(tmp_path):
    frame = two_sites(seed=1)
    frame["treated"] = frame["ill"].map(str) + "!"
    cohort = mg.read(frame, label="ill", domain="site")
    trial = mg.Trial(cohort, ["target-only"], target="b", folds=2)
    assert trial.audit().worst == "severe"
    result = trial.run(tmp_path / "out")
    found = [f for f in result.data["audit"] if f["severity"] == "severe"]
    assert any("'treated'" in f["sentence"] for f in found)
    assert json.loads((tmp_path / "out" / "result.json").read_text())["audit"] == result.data["audit"]
    page = mg.write_report(tmp_path / "out").read_text()
    assert "What the audit of the data found" in page and "treated" in page


def test_a_test_set_of_training_rows_is_found(tmp_path):
    frame = two_sites(seed=2)
    cohort = mg.read(frame, label="ill", domain="site")
    again = mg.read(frame.head(30), label="ill")
    found = mg.Trial(cohort, ["target-only"], target="b", test=again).audit()
    assert any(f.check == "exact-duplicates" and f.severity == "severe" for f in found.findings)
