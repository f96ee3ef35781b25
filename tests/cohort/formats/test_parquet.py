"""Parquet tables."""

from __future__ import annotations

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import load


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "x": [1.5, None, 3.0, 4.0],
            "k": pd.array([1, None, 2, 3], "Int64"),
            "flag": [True, False, True, False],
            "stage": pd.Categorical(["I", "II", "I", None]),
            "ill": ["a", "b", "a", "b"],
        }
    )


def test_kinds_survive(tmp_path, frame):
    frame.to_parquet(tmp_path / "t.parquet")
    cohort = read(tmp_path / "t.parquet", label="ill")
    kinds = {c["name"]: c["kind"] for c in cohort.schema()["columns"]}
    assert kinds == {"x": "number", "k": "number", "flag": "category", "stage": "category"}
    assert cohort.X["stage"].tolist()[:3] == ["I", "II", "I"] and pd.isna(cohort.X["stage"][3])


def test_a_named_index_is_a_column_and_another_is_not(tmp_path, frame):
    frame.index = pd.Index(list("wxyz"), name="pid")
    frame.to_parquet(tmp_path / "t.parquet")
    assert load(tmp_path / "t.parquet", lambda s: None)[0]["pid"].tolist() == list("wxyz")
    frame.index = pd.Index(list("wxyz"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet", label="ill").table.columns.tolist() == [
        "x",
        "k",
        "flag",
        "stage",
        "ill",
    ]


def test_the_content_decides_when_the_suffix_is_wrong(tmp_path, frame):
    frame.to_parquet(tmp_path / "t.csv")
    _, entry = load(tmp_path / "t.csv", lambda s: None)
    assert entry.name == "parquet"


def test_text_named_parquet_is_an_error(tmp_path):
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(MedgraftError, match=r"t\.parquet' cannot be read .* of another format"):
        load(tmp_path / "t.parquet", lambda s: None)
