"""One table per hospital, in a folder."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import detect, load


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def _fill(folder, **texts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text)
    return folder


def test_tables_are_put_under_each_other_with_their_file(tmp_path):
    _fill(tmp_path, a_csv="age,ill\n50,1\n60,0\n", b_csv="ill;age\n0;70\n", SOURCE_md="# whence")
    frame, entry, said = _load(tmp_path)
    assert entry.name == "table_folder" and entry.roles == {"domain": "file"}
    assert frame.to_dict("list") == {"age": [50, 60, 70], "ill": [1, 0, 0], "file": ["a", "a", "b"]}
    assert said == ["The 2 tables of the folder were put under each other; the column 'file' tells which."]


def test_a_column_that_is_empty_in_one_hospital_keeps_its_numbers(tmp_path):
    _fill(tmp_path, a_csv="age,ca\n50,?\n60,?\n", b_csv="age,ca\n70,2\n")
    assert _load(tmp_path)[0]["ca"].dtype == float


def test_parquet_and_arff_tables_are_joined_too(tmp_path):
    for name in ("a", "b"):
        pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / f"{name}.parquet")
    assert _load(tmp_path)[0]["file"].tolist() == ["a", "a", "b", "b"]
    arff = "@relation r\n@attribute x numeric\n@data\n1\n2\n"
    assert len(_load(_fill(tmp_path / "arff", a_arff=arff, b_arff=arff))[0]) == 4


def test_a_column_named_file_is_kept(tmp_path):
    _fill(tmp_path, a_csv="file,x\nq,1\n", b_csv="file,x\nr,2\n")
    frame, _, said = _load(tmp_path)
    assert frame["file"].tolist() == ["q", "r"] and frame["file_"].tolist() == ["a", "b"]
    assert "the names of the files are in 'file_'" in said[0]


def test_tables_that_differ_are_listed_and_one_is_asked_for(tmp_path):
    _fill(tmp_path / "columns", a_csv="age,ill\n50,1\n", b_csv="age,sick\n50,1\n")
    with pytest.raises(MedgraftError, match=r"different columns .*give one of 'a\.csv', 'b\.csv', such as"):
        _load(tmp_path / "columns")
    _fill(tmp_path / "suffixes", a_csv="age,ill\n50,1\n", a_tsv="age\till\n50\t1\n")
    with pytest.raises(MedgraftError, match=r"different suffixes, .*'a\.csv', 'a\.tsv'"):
        _load(tmp_path / "suffixes")


def test_the_only_table_of_a_folder_is_the_cohort(tmp_path):
    _fill(tmp_path, a_csv="age,ill\n50,1\n", README_txt="About.\nThe table is by X, Y and Z.\nBye\n")
    frame, entry, said = _load(tmp_path)
    assert list(frame.columns) == ["age", "ill"] and entry.name == "table_folder" and said == []


@pytest.mark.parametrize(
    "other", ["scan.dcm", "a.png", "ill/a.csv", "x.h5ad", "m.nii.gz", "r.hea", "s.edf", "boxes.json"]
)
def test_a_folder_with_other_data_is_not_one_of_tables(tmp_path, other):
    _fill(tmp_path, a_csv="age,ill\n50,1\n", b_csv="age,ill\n50,1\n")
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("x,y\n1,2\n")
    assert detect(tmp_path).name != "table_folder"


def test_four_hospitals_are_one_cohort_with_their_counts(shared_data):
    frame, _, _ = _load(shared_data("uci_heart_4site"))
    assert frame.shape == (920, 15)
    sizes = frame["file"].value_counts().to_dict()
    assert {k.split(".")[1]: v for k, v in sizes.items()} == {
        "cleveland": 303,
        "hungarian": 294,
        "va": 200,
        "switzerland": 123,
    }
    missing = frame.drop(columns="file").isna().sum(axis=1).groupby(frame["file"]).sum().tolist()
    assert missing == [6, 782, 273, 698]
    ill = (frame["column_14"] > 0).groupby(frame["file"]).sum().tolist()
    assert ill == [139, 106, 115, 149]


def test_red_and_white_wines_are_two_domains(shared_data):
    cohort = read(shared_data("uci_wine_quality"), label="column_12", domain="file", task="regression")
    counts = pd.Series(cohort.domains).value_counts().to_dict()
    assert counts == {"winequality-white": 4898, "winequality-red": 1599} and len(cohort.features) == 11


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(damage(b"age,ill\n50,1\n60,0\n70,1\n"))
def test_a_damaged_table_among_others_gives_a_table_or_one_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "tables"
    _fill(folder, a_csv="age,ill\n50,1\n")
    (folder / "b.csv").write_bytes(data)
    read_or_sentence(folder)
