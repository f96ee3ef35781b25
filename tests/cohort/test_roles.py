"""Which columns are learnt from, and which roles exclude each other."""

from __future__ import annotations

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.roles import Roles, check, check_group, choose_features

N = 20


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": range(N),
            "sex": ["f", "m"] * (N // 2),
            "smokes": [True, False] * (N // 2),
            "site": ["a"] * 5 + ["b"] * 15,
            "ill": [0, 1] * (N // 2),
        }
    )


def _features(frame, **roles):
    said: list[str] = []
    return choose_features(frame, Roles(**roles), said.append), said


def test_features_are_the_columns_without_another_role(frame):
    features, said = _features(frame, label="ill", domain="site", protected=("sex",))
    assert features == ("age", "smokes")
    assert said == []


def test_named_features_are_taken_as_they_are(frame):
    assert _features(frame.assign(id=range(N)), label="ill", features=("id",))[0] == ("id",)


@pytest.mark.parametrize(
    ("column", "values", "word"),
    [
        ("note", [f"text {i}" for i in range(N)], "tells patients apart"),
        ("patient_id", list(range(N)), "identifier"),
        ("PatientID", list(range(N)), "identifier"),
        ("id", [i // 2 for i in range(N - 4)] + [90, 91, 92, 93], "--group id"),
        ("Unnamed: 0", list(range(N)), "counts the rows"),
        ("empty", [None] * N, "it is empty in all rows"),
        ("seen", pd.date_range("2020", periods=N), "dates"),
        ("scan", [f"{i}.png" for i in range(N)], "--image scan"),
    ],
)
def test_what_identifies_patients_is_left_out_and_said(frame, column, values, word):
    features, said = _features(frame.assign(**{column: values}), label="ill")
    assert column not in features
    assert len(said) == 1 and f"'{column}'" in said[0] and word in said[0]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("valid", list(range(N))),  # ends in "id", but is another word
        ("admission_type_id", [0, 1, 2, 3] * 5),  # a code, not a person
        ("weight", [float(i) for i in range(N)]),
        ("lipid", [i + 0.5 for i in range(N)]),
    ],
)
def test_measurements_and_codes_stay(frame, column, values):
    features, said = _features(frame.assign(**{column: values}), label="ill")
    assert column in features and said == []


def test_a_few_words_among_numbers_are_pointed_out(frame):
    values = [str(i) for i in range(10)] * 2
    values[3] = ">9"
    features, said = _features(frame.assign(psa=values), label="ill")
    assert "psa" in features
    assert len(said) == 1 and "text in 1 of 20 rows, for example '>9'" in said[0]


def test_an_absent_column_is_named_with_the_nearest_and_the_others(frame):
    with pytest.raises(
        MedgraftError, match=r"label column 'il' is not in 't', which has: age, .*Did you mean 'ill'"
    ):
        check(frame, Roles(label="il"), "t")
    with pytest.raises(MedgraftError, match="protected column 'gender'"):
        check(frame, Roles(label="ill", protected=("gender",)), "t")


def test_a_table_without_header_line_is_recognised():
    frame = pd.DataFrame([[1, 2, 3]], columns=["7.4", "0.7", "0.7.1"])
    with pytest.raises(MedgraftError, match="have no names: give them with --columns"):
        check(frame, Roles(label="quality"), "t")


@pytest.mark.parametrize("role", ["group", "domain", "time", "image"])
def test_the_label_cannot_have_another_role(frame, role):
    with pytest.raises(MedgraftError, match=f"'ill' cannot be both the label and the {role}"):
        check(frame, Roles(label="ill", **{role: "ill"}), "t")


def test_the_label_cannot_be_a_feature_or_protected(frame):
    for more in ({"features": ("ill",)}, {"protected": ("ill",)}):
        with pytest.raises(MedgraftError, match="'ill' is the label"):
            check(frame, Roles(label="ill", **more), "t")
    with pytest.raises(MedgraftError, match="both a feature and the group"):
        check(frame, Roles(label="ill", group="age", features=("age",)), "t")


def test_a_group_that_renames_the_label_is_refused(frame):
    renamed = frame.assign(status=frame["ill"].map({0: "well", 1: "sick"}))
    with pytest.raises(MedgraftError, match="'status' has one value for each value of the label 'ill'"):
        check_group(renamed, Roles(label="ill", group="status"))
    check_group(frame.assign(pid=[i // 2 for i in range(N)]), Roles(label="ill", group="pid"))
    check_group(frame, Roles(label="ill", group="age"))  # each row a patient: not the label
