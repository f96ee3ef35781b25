"""Excel workbooks."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.formats import load


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, said, entry


def test_cells_of_all_kinds_are_read_and_markers_are_missing(tmp_path):
    frame = pd.DataFrame(
        {
            "x": [1.5, "?", 3],
            "s": [" a", "NA", "None"],
            "flag": [True, False, True],
            "day": pd.to_datetime(["2020-01-01", None, "2020-01-03"]),
            "mixed": [1, "<5", None],
        }
    )
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    back, said, _ = _load(tmp_path / "t.xlsx")
    assert back["x"].tolist()[::2] == [1.5, 3.0] and pd.isna(back["x"][1])
    assert back["s"].tolist()[::2] == ["a", "None"] and pd.isna(back["s"][1])
    assert back["flag"].tolist() == [True, False, True]
    assert back["day"][0] == pd.Timestamp("2020-01-01")
    assert back["mixed"].tolist()[:2] == [1, "<5"]
    assert said == []


def test_the_first_sheet_is_read_and_the_others_are_mentioned(tmp_path):
    with pd.ExcelWriter(tmp_path / "t.xlsx") as writer:
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="patients", index=False)
        pd.DataFrame({"b": [2]}).to_excel(writer, sheet_name="codes", index=False)
    frame, said, _ = _load(tmp_path / "t.xlsx")
    assert frame.columns.tolist() == ["a"]
    assert said == ["The workbook has 2 sheets; the first, 'patients', was read."]


def test_a_workbook_named_csv_is_read_as_what_it_is(tmp_path):
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "t.xlsx", index=False)
    (tmp_path / "t.xlsx").rename(tmp_path / "t.csv")
    frame, _, entry = _load(tmp_path / "t.csv")
    assert entry.name == "xlsx" and frame["a"].tolist() == [1]


def test_an_empty_sheet_is_an_empty_table(tmp_path):
    pd.DataFrame().to_excel(tmp_path / "t.xlsx", index=False)
    with pytest.raises(MedgraftError, match="is empty"):
        _load(tmp_path / "t.xlsx")


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "t.xlsx", index=False)
    monkeypatch.setattr("medgraft.cohort.formats.xlsx._MAX_BYTES", 100)
    with pytest.raises(MedgraftError, match="unpacks to more than"):
        _load(tmp_path / "t.xlsx")


def test_a_zip_archive_that_is_no_workbook_is_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(MedgraftError, match=r"t\.xlsx' cannot be read"):
        _load(tmp_path / "t.xlsx")
