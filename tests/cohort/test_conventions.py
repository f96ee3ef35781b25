from __future__ import annotations

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read


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
