"""Tables in .data, .txt and .dat files."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load

ROWS = [["63", "1", "2.5"], ["67", "?", "1e-3"], ["41", "0", ".5"]]


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def _write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ", "   ", ", "])
@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("name", ["a.data", "a.txt", "a.dat"])
def test_any_delimiter_with_a_header_or_without(tmp_path, delimiter, head, name):
    rows = [["age", "sex", "crp"], *ROWS] if head else ROWS
    frame, entry, said = _load(_write(tmp_path / name, "\n".join(delimiter.join(r) for r in rows) + "\n"))
    assert entry.name == "text_table"
    assert list(frame.columns) == (["age", "sex", "crp"] if head else ["column_1", "column_2", "column_3"])
    assert frame.iloc[:, 0].tolist() == [63, 67, 41] and frame.iloc[:, 2].tolist() == [2.5, 1e-3, 0.5]
    assert frame.iloc[:, 1].isna().tolist() == [False, True, False]
    assert len(said) == (0 if head else 1)


def test_blanks_at_the_start_and_end_of_lines_are_no_columns(tmp_path):
    frame, _, _ = _load(_write(tmp_path / "a.txt", "   1.0  2.0 \n   3.0\t4.0\n"))
    assert frame.values.tolist() == [[1, 2], [3, 4]]


def test_categories_among_numbers_are_data_and_no_names(tmp_path):
    frame, _, _ = _load(_write(tmp_path / "iris.data", "5.1,3.5,setosa\n4.9,3.0,setosa\n6.0,2.2,other\n"))
    assert frame["column_3"].tolist() == ["setosa", "setosa", "other"]
    letters = _write(tmp_path / "mushroom.data", "p,x,s,n,s\ne,x,s,y,s\np,y,n,n,s\n")
    assert _load(letters)[0].shape == (3, 5)


def test_row_names_of_r_with_blanks_shift_nothing(tmp_path):
    frame, _, said = _load(_write(tmp_path / "a.txt", '"age" "ill"\n"1" 50 1\n"2" 60 0\n'))
    assert frame.to_dict("list") == {"age": [50, 60], "ill": [1, 0]} and "row names" in said[0]


def test_prose_and_binary_files_are_no_tables(tmp_path):
    prose = _write(
        tmp_path / "a.txt", "Read this.\nThe table is elsewhere, in another file.\nThanks to all\n"
    )
    with pytest.raises(MedgraftError, match=r"a\.txt' is no table, for its lines have different numbers"):
        _load(prose)
    with pytest.raises(MedgraftError, match=r"b\.dat' is no text: .*\.hea"):
        _load(_write(tmp_path / "b.dat", bytes(range(256)) * 8))


def test_a_sparse_giant_is_refused_unread(tmp_path):
    path = _write(tmp_path / "a.dat", b"")
    with path.open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(MedgraftError, match=r"a\.dat' is no text"):
        _load(path)


def test_beats_of_one_patient_are_a_table_of_141_columns(shared_data):
    frame, entry, _ = _load(shared_data("ecg5000") / "ECG5000_TRAIN.txt")
    assert entry.name == "text_table" and frame.shape == (500, 141)
    assert frame["column_1"].value_counts().to_dict() == {1: 292, 2: 177, 4: 19, 3: 10, 5: 2}
    assert frame["column_2"].tolist()[:2] == [-1.1252183e-01, -1.1008778e00]


def test_biopsies_are_counted_with_their_missing_cells(shared_data):
    frame, _, _ = _load(shared_data("uci_breast_cancer_wisconsin") / "breast-cancer-wisconsin.data")
    assert frame.shape == (699, 11) and int(frame.isna().sum().sum()) == 16
    assert frame["column_11"].value_counts().to_dict() == {2: 458, 4: 241}


def test_voices_have_their_header_and_patients(shared_data):
    frame, _, said = _load(shared_data("uci_parkinsons_telemonitoring") / "parkinsons_updrs.data")
    assert frame.shape == (5875, 22) and frame["subject#"].nunique() == 42 and said == []
    assert all(pd.api.types.is_numeric_dtype(t) for t in frame.dtypes) and not frame.isna().any().any()


TEXT = "\n".join(" ".join(r) for r in ROWS * 4).encode()


@pytest.mark.filterwarnings("ignore")
@FUZZ
@given(damage(TEXT))
def test_damaged_files_give_a_table_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.data"
    path.write_bytes(data)
    read_or_sentence(path)
