"""What the label column means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.labels import choose_positive, infer_task, name, names, sort_names


def test_a_value_has_one_name_however_it_is_stored():
    assert {name(v) for v in (1, 1.0, np.int8(1), np.float32(1), "1")} == {"1"}
    assert names(pd.Series([1.0, np.nan, 2.0])).tolist() == ["1", None, "2"]
    assert names(pd.Series([1, 2])).tolist() == ["1", "2"]
    assert names(pd.Series([True, False])).tolist() == ["True", "False"]
    assert names(pd.Series(["a", None], dtype="category")).tolist() == ["a", None]


def test_fractions_and_huge_numbers_keep_all_their_digits():
    assert float(name(0.1 + 0.2)) == 0.1 + 0.2
    assert float(name(1e300)) == 1e300


def test_numbers_sort_by_value_and_text_by_alphabet():
    assert sort_names({"10", "9", "-1", "2.5"}) == ["-1", "2.5", "9", "10"]
    assert sort_names({"b", "10", "9"}) == ["10", "9", "b"]
    assert sort_names({"nan", "1"}) == ["1", "nan"]


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0, 1, 1], "binary"),
        ([0.0, 2.5, 2.5], "binary"),
        ([True, False], "binary"),
        (["a", "b"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([0, 1, 2, 3, 4], "multiclass"),
        ([0.0, 0.5, 1.0, 2.0, 3.0], "multiclass"),
        (list(range(20)), "multiclass"),
        (list(range(21)), "regression"),
        ([0.5, 1, 2, 3, 4, 5], "regression"),
        ([str(i) for i in range(30)], "multiclass"),
    ],
)
def test_the_task_follows_the_documented_rule(values, task):
    assert infer_task(pd.Series(values), "y") == task


def test_a_given_task_overrides_the_rule_when_it_is_possible():
    assert infer_task(pd.Series([0, 1]), "y", "regression") == "regression"
    assert infer_task(pd.Series(range(30)), "y", "multiclass") == "multiclass"
    with pytest.raises(MedgraftError, match="holds text, for example 'a', so it cannot"):
        infer_task(pd.Series(["a", "b"]), "y", "regression")
    with pytest.raises(MedgraftError, match="has 3 distinct values, so --task binary is impossible"):
        infer_task(pd.Series([1, 2, 3]), "y", "binary")
    with pytest.raises(MedgraftError, match="Did you mean 'regression'"):
        infer_task(pd.Series([1, 2]), "y", "regresion")


@pytest.mark.parametrize(
    ("levels", "event"),
    [
        (["0", "1"], "1"),
        (["-1", "1"], "1"),
        (["False", "True"], "True"),
        (["no", "yes"], "yes"),
        (["ckd", "notckd"], "ckd"),
        (["disease", "healthy"], "disease"),
        (["benign", "malignant"], "malignant"),
        (["Abnormal", "Normal"], "Abnormal"),
        (["B", "M"], "M"),
        (["no", "not known"], "not known"),  # two absences: the last of the alphabet
    ],
)
def test_the_event_follows_the_documented_rule(levels, event):
    assert choose_positive(levels, "y") == event


@pytest.mark.parametrize("said", [0, 0.0, "0", "0.0"])
def test_the_user_can_name_the_event_in_any_type(said):
    assert choose_positive(["0", "1"], "y", said) == "0"


def test_an_event_that_is_no_class_is_an_error_with_a_suggestion():
    with pytest.raises(
        MedgraftError, match=r"has no value 'malign' to be the event. Did you mean 'malignant'"
    ):
        choose_positive(["benign", "malignant"], "y", "malign")
