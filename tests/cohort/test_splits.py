"""Splits are written, read back equal, and foreign files are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import Split, Splits, kfold_splits, read


@pytest.fixture
def splits():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=40), "y": np.arange(40) % 2, "site": np.arange(40) % 3})
    return kfold_splits(
        read(frame, label="y", domain="site"), target="1", folds=3, repeats=2, labels_per_class=(1, 3)
    )


def test_what_is_written_is_read_back_equal(tmp_path, splits):
    splits.write(tmp_path / "splits.parquet")
    back = Splits.read(tmp_path / "splits.parquet")
    assert back == splits and len(back) == len(splits) == 12
    for a, b in zip(splits, back, strict=True):
        assert (a.repeat, a.fold, a.budget) == (b.repeat, b.fold, b.budget)
        for part in ("labelled", "unlabelled", "test"):
            assert np.array_equal(getattr(a, part), getattr(b, part))
    assert [p.name for p in tmp_path.iterdir()] == ["splits.parquet"]


def test_the_table_has_the_published_columns(splits):
    assert splits.table.columns.tolist() == ["repeat", "fold", "budget", "row", "part"]
    assert set(splits.table["part"]) == {"labelled", "unlabelled", "test"}
    assert len(splits.table.query("part == 'test' and repeat == 0 and budget == 1")) == 13


def test_single_splits_survive_the_table():
    none = np.empty(0, int)
    given = [
        Split(0, 0, -1, np.array([2, 0]), none, np.array([1])),
        Split(0, 1, 5, none, np.array([3]), np.array([0, 2])),
    ]
    back = list(Splits.of(given))
    assert [(s.fold, s.budget) for s in back] == [(0, -1), (1, 5)]
    assert back[0].labelled.tolist() == [0, 2] and back[0].unlabelled.tolist() == []
    assert back[1].labelled.tolist() == [] and back[1].test.tolist() == [0, 2]


def test_equality_is_of_every_cell(splits):
    other = Splits(splits.table.assign(row=splits.table["row"] + 1))
    assert splits != other and splits != "splits"


def test_a_missing_or_foreign_file_is_an_error(tmp_path, splits):
    with pytest.raises(MedgraftError, match="does not exist"):
        Splits.read(tmp_path / "none.parquet")
    bad = {
        "text": b"hello",
        "columns": pd.DataFrame({"a": [1]}),
        "part": splits.table.assign(part="exam"),
        "row": splits.table.assign(row=0.5),
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.parquet"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.to_parquet(path)
        with pytest.raises(MedgraftError, match=f"{name}.*holds no splits"):
            Splits.read(path)
