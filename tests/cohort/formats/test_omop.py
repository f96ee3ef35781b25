"""OMOP exports to one row per patient."""

from __future__ import annotations

import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load

TABLES = {
    "person": "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth\n"
    "1,8507,1950,6,15\n2,8532,1980,,\n3,0,,,\n",
    "measurement": "person_id,measurement_concept_id,measurement_date,value_as_number,value_as_concept_id,"
    "unit_concept_id,measurement_source_value\n"
    "1,3004249,2020-06-14,120,,8876,SBP\n1,3004249,2019-01-01,160,,8876,SBP\n"
    "2,3004249,2021-01-01,110,,8876,SBP\n2,4264,2021-01-01,,45877994,,\n1,0,2018-01-01,7,,0,local\n",
    "condition_occurrence": "PERSON_ID,CONDITION_CONCEPT_ID\n1,201826\n1,201826\n",
}


@pytest.fixture
def write(tmp_path):
    def write(delimiter=",", upper=False, **changed):
        for name, text in (TABLES | changed).items():
            name = name.upper() if upper else name
            (tmp_path / f"{name}.csv").write_text(text.replace(",", delimiter))
        return tmp_path

    return write


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("upper", [False, True])
def test_an_export_becomes_one_row_per_person(write, delimiter, upper):
    frame, entry, said = _load(write(delimiter, upper))
    assert entry.name == "omop" and entry.roles == {"group": "patient"} and said == []
    assert list(frame.columns) == ["patient", "age", "sex", "3004249", "4264", "local", "201826"]
    assert frame["patient"].tolist() == ["1", "2", "3"]
    # The day before the 70th birthday, and by the year alone where the day is unknown.
    assert frame["age"].fillna(-1).tolist() == [69, 41, -1]
    assert frame["sex"].fillna("").tolist() == ["male", "female", ""]
    assert frame["3004249"].fillna(-1).tolist() == [120, 110, -1]
    assert frame["4264"].fillna("").tolist() == ["", "45877994", ""] and frame["local"].tolist()[0] == 7
    assert frame["201826"].tolist() == [1, 0, 0]


def test_missing_columns_and_bad_lines_are_named(write):
    with pytest.raises(
        MedgraftError, match=r"condition_occurrence\.csv' lacks the column 'condition_concept_id'"
    ):
        _load(write(condition_occurrence="person_id,x\n1,2\n"))
    text = TABLES["measurement"]
    with pytest.raises(MedgraftError, match=r"Line 2 of '.*measurement\.csv' .*value_as_number is 'high'"):
        _load(
            write(
                condition_occurrence=TABLES["condition_occurrence"],
                measurement=text.replace(",120,", ",high,"),
            )
        )
    with pytest.raises(
        MedgraftError, match=r"Line 2 of '.*measurement\.csv' .*it has 8 fields, the header 7"
    ):
        _load(write(measurement=text.replace(",120,", ",120,,")))


@pytest.mark.parametrize("name", ["person", "measurement"])
def test_damaged_tables_give_a_table_or_one_sentence(write, name):
    folder = write()

    @FUZZ
    @given(damage(TABLES[name].encode()))
    def fuzz(data):
        (folder / f"{name}.csv").write_bytes(data)
        read_or_sentence(folder)

    fuzz()
