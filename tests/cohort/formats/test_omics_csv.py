from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import detect


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "cache"))


def test_probes_in_rows_become_one_patient_a_row_whose_values_can_be_opened(tmp_path):
    values = np.random.default_rng(0).random((30, 4)).round(3)
    frame = pd.DataFrame(values, columns=["s1", "s2", "s3", "s4"])
    frame.insert(0, "ProbeID", [f"cg{i:08d}" for i in range(30)])
    frame.to_csv(tmp_path / "betas.csv.gz", index=False)
    cohort = read(tmp_path / "betas.csv.gz", require_label=False)
    assert cohort.n == 4 and cohort.kinds[0] == "omics"
    np.testing.assert_allclose(cohort.open("omics", 2), values[:, 2], rtol=1e-6)


def test_a_header_of_many_thousand_columns_is_a_matrix_and_a_short_one_a_table(tmp_path):
    wide = pd.DataFrame(np.zeros((3, 6000)), columns=[f"g{i}" for i in range(6000)])
    wide.to_csv(tmp_path / "wide.csv", index=False)
    wide.iloc[:, :100].to_csv(tmp_path / "table.csv", index=False)
    assert detect(tmp_path / "wide.csv").name == "omics_csv"
    assert detect(tmp_path / "table.csv").name == "csv_tsv"


def test_a_matrix_for_other_patients_is_an_error_that_names_both(tmp_path):
    pd.DataFrame(
        {"cg": ["cg00000001", "cg00000002", "cg00000003"], "a": [0.1, 0.2, 0.3], "b": [1, 2, 3]}
    ).to_csv(tmp_path / "m.csv", index=False)
    people = pd.DataFrame({"id": ["x", "y", "z"], "ill": [0, 1, 1]})
    people.to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(MedgraftError, match=r"m\.csv"):
        read(tmp_path / "p.csv", label="ill", omics="m.csv")
