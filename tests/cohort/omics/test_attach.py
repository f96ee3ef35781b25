from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample
from medgraft.cohort.omics import attach


@pytest.fixture
def matrix(tmp_path):
    values = pd.DataFrame(np.arange(12.0).reshape(3, 4), ["784", "1052", "a-1"], ["g1", "g2", "g3", "g4"])
    values.T.to_csv(tmp_path / "m.csv")
    return tmp_path / "m.csv"


def test_the_column_of_sample_names_is_found_and_each_row_gets_its_own_values(matrix):
    said: list[str] = []
    table = pd.DataFrame({"n": [1, 2, 3], "id": ["a-1", "784", "1052"]})
    out = attach(table, matrix, said.append)
    assert said == [] and "omics" not in table.columns
    got = [open_sample("omics", cell).tolist() for cell in out["omics"]]
    assert got == [[8, 9, 10, 11], [0, 1, 2, 3], [4, 5, 6, 7]]


def test_numbers_name_samples_too_and_rows_without_one_are_missing_with_a_warning(matrix):
    said: list[str] = []
    out = attach(pd.DataFrame({"id": [1052.0, 784, 99]}), matrix, said.append)
    assert out["omics"].isna().tolist() == [False, False, True]
    assert out["omics"][0].endswith("sample=1052")
    assert "1 of 3 rows" in said[0] and "'99'" in said[0] and "1 samples" in said[1]


def test_names_that_r_has_changed_are_recognised(tmp_path):
    pd.DataFrame(np.eye(3), ["g1", "g2", "g3"], ["X784", "X1052", "a.1"]).to_csv(tmp_path / "m.csv")
    said: list[str] = []
    out = attach(pd.DataFrame({"id": ["1052", "a-1", "784"]}), tmp_path / "m.csv", said.append)
    assert [open_sample("omics", c).argmax() for c in out["omics"]] == [1, 2, 0]
    assert "spelt differently" in said[0]


def test_the_order_is_trusted_only_where_the_numbers_agree_and_never_silently(matrix):
    said: list[str] = []
    out = attach(pd.DataFrame({"age": [60, 70, 80]}), matrix, said.append)
    assert out["omics"].tolist()[0].endswith("sample=784") and "same order: check this" in said[0]
    with pytest.raises(MedgraftError, match="'784'.* 3 samples where the table has 2 rows"):
        attach(pd.DataFrame({"age": [60, 70]}), matrix, said.append)


def test_real_tables_find_their_matrices(shared_data):
    folder = shared_data("methylation_age")
    for name, n, p in (("gse38608", 16, 27578), ("progress", 150, 148)):
        said: list[str] = []
        betas = next(folder.glob(f"{name}_betas.*"))
        samples = pd.read_csv(folder / f"{name}_samples.csv")
        out = attach(samples, betas, said.append)
        assert len(out) == n and out["omics"].notna().all() and said == []
        wanted = pd.read_csv(betas, index_col=0)
        wanted = wanted if name == "progress" else wanted.T
        wanted.index = wanted.index.astype(str)
        for i in (0, n // 2, n - 1):
            row = open_sample("omics", out["omics"][i])
            assert row.shape == (p,) and row.dtype == np.float32
            np.testing.assert_allclose(row, wanted.loc[str(samples["id"][i])], atol=1e-6)


def test_an_age_that_happens_to_be_a_sample_number_joins_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "cache"))
    matrix = pd.DataFrame(np.random.default_rng(0).random((30, 3)), columns=["g1", "g2", "g3"])
    matrix.insert(0, "sample", range(1, 31))
    matrix.to_csv(tmp_path / "m.csv", index=False)
    people = pd.DataFrame({"age": [20, 21, 21, 22], "name": ["a", "b", "c", "d"]})
    with pytest.raises(MedgraftError, match="No column of the table holds the sample names"):
        attach(people, tmp_path / "m.csv", print)
