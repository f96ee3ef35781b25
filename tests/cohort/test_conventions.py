from __future__ import annotations

import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.audit import audit


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "Patient ID": ["a", "a", "b", "b", "c", "c"],
            "site": list("xxyyxy"),
            "sex": list("fmfmfm"),
            "bmi": [21.0, 22, 23, 24, 25, 26],
            "num": [0, 0, 1, 2, 0, 3],
        }
    )


def test_a_column_named_after_patients_with_several_rows_is_the_group(frame):
    cohort = read(frame, label="num", features=["bmi"], task="multiclass")
    assert cohort.group == "Patient ID"
    assert any("taken to name patients" in w for w in cohort.warnings)


def test_none_switches_the_guess_off_and_a_named_group_wins(frame):
    assert read(frame, label="num", group="none", features="bmi").group is None
    assert read(frame, label="num", group="site", features="bmi").group == "site"


def test_patients_of_one_row_each_are_no_group(frame):
    assert read(frame.assign(**{"Patient ID": range(6)}), label="num", features="bmi").group is None


def test_sites_and_protected_attributes_are_taken_only_when_asked_for(frame):
    assert read(frame, label="num", features="bmi").domain is None
    cohort = read(frame, label="num", domain="auto", protected="auto", features="bmi")
    assert (cohort.domain, cohort.protected) == ("site", ("sex",))
    with pytest.raises(MedgraftError, match="name it with --domain"):
        read(frame.drop(columns="site"), label="num", domain="auto", features="bmi")
    with pytest.raises(MedgraftError, match="name it with --protected"):
        read(frame.drop(columns="sex"), label="num", protected="auto", features="bmi")


@pytest.mark.parametrize(
    ("label", "expected"),
    [("num > 0", [0, 0, 1, 1, 0, 1]), ("num>=2", [0, 0, 0, 1, 0, 1]), ("num == 0", [1, 1, 0, 0, 1, 0])],
)
def test_a_threshold_makes_a_yes_no_label_and_its_column_is_no_feature(frame, label, expected):
    cohort = read(frame, label=label, group="none")
    assert cohort.y.tolist() == expected
    assert cohort.classes == ["no", "yes"]
    assert "num" not in cohort.features


def test_a_missing_value_is_on_neither_side_of_a_threshold(frame):
    cohort = read(frame.assign(num=[0, None, 1, 2, 0, 3]), label="num > 0", group="none")
    assert cohort.n == 5


def test_a_threshold_of_text_is_an_error(frame):
    with pytest.raises(MedgraftError, match="needs numbers"):
        read(frame, label="site > 0")


def test_of_a_patient_and_his_lesions_the_patient_is_the_group():
    frame = pd.DataFrame(
        {
            "patient_id": ["a", "a", "a", "b", "b", "b"],
            "lesion_id": ["a1", "a1", "a2", "b1", "b1", "b2"],
            "x": [1.0, 2, 3, 4, 5, 6],
            "ill": [0, 1, 0, 1, 0, 1],
        }
    )
    assert read(frame, label="ill", features="x").group == "patient_id"
    crossed = frame.assign(lesion_id=["s", "t", "s", "t", "s", "t"])
    assert read(crossed, label="ill", features="x").group is None


def test_people_with_one_row_in_the_test_data_are_known_by_the_column_of_the_data():
    def table(ids):
        n = len(ids)
        return pd.DataFrame({"patient_id": ids, "x": range(n), "ill": [i % 2 for i in range(n)]})

    data = read(table([i // 2 for i in range(60)]), label="ill")
    test = read(table(list(range(20, 60))), label="ill")
    assert data.group == "patient_id" and test.group is None
    found = audit(data, test=test)
    assert any(f.check == "same-patient" and f.severity == "severe" for f in found.findings)
    with pytest.raises(MedgraftError, match="10 patients are in both"):
        mg.Trial(data, ["majority"], test=test)


@pytest.mark.parametrize("column", ["PatientName", "pid", "hadm_id", "user"])
def test_names_and_numbers_of_people_are_no_features_even_with_two_rows_each(column):
    n = 120
    frame = pd.DataFrame(
        {column: [f"P{i // 2}" for i in range(n)], "x": range(n), "ill": [i % 2 for i in range(n)]}
    )
    assert read(frame, label="ill", group="none").features == ("x",)
