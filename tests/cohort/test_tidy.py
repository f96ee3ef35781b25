"""Every file becomes one kind of table."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.tidy import tidy


def _tidy(**columns):
    said: list[str] = []
    return tidy(pd.DataFrame(columns), "t", said.append), said


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pd.array([1, None], "Int64"), "f", [1.0, None]),
        (pd.array([1, 2], "Int8"), "i", [1, 2]),
        (pd.array([1.5, None], "Float32"), "f", [1.5, None]),
        (pd.array([True, False], "boolean"), "b", [True, False]),
        (pd.Categorical([3, 1]), "text", ["3", "1"]),
        (pd.Categorical(["x", None]), "text", ["x", None]),
        ([True, None], "text", ["True", None]),
        ([1, "a"], "text", ["1", "a"]),
        ([1.0, "a", None], "text", ["1", "a", None]),
        ([decimal.Decimal("1.5"), None], "f", [1.5, None]),
        ([None, None], "f", [None, None]),
        ([[1], [2]], "text", ["[1]", "[2]"]),
        ([1 + 2j, 3], "text", ["(1+2j)", "(3+0j)"]),
        (np.array([1, 2], np.float16), "f", [1.0, 2.0]),
        ([datetime.date(2020, 1, 1), None], "M", None),
        (pd.to_datetime(["2020-01-01", None]), "M", None),
    ],
)
def test_columns_become_numbers_bools_text_or_times(values, kind, expected):
    frame, _ = _tidy(a=values)
    column = frame["a"]
    assert ("text" if pd.api.types.is_string_dtype(column) else column.dtype.kind) == kind
    if expected is not None:
        assert [None if pd.isna(v) else v for v in column] == expected


def test_infinite_values_are_missing_and_this_is_said():
    frame, said = _tidy(a=[1.0, np.inf, -np.inf], b=[1.0, 2.0, 3.0])
    assert frame["a"].isna().tolist() == [False, True, True]
    assert said == ["Infinite values in the columns 'a' are taken for missing."]


def test_names_become_stripped_text_and_the_index_counts_rows():
    frame = tidy(pd.DataFrame({" a ": [1], 2: [3]}, index=[7]), "t", lambda s: None)
    assert frame.columns.tolist() == ["a", "2"]
    assert frame.index.tolist() == [0]


def test_two_columns_of_one_name_are_an_error():
    with pytest.raises(MedgraftError, match="two columns named 'a'"):
        tidy(pd.DataFrame([[1, 2]], columns=["a", "a "]), "t", lambda s: None)


def test_the_callers_table_is_not_changed():
    frame = pd.DataFrame({"a": [1.0, np.inf], "b": pd.Categorical(["x", "y"])})
    before = frame.copy()
    tidy(frame, "t", lambda s: None)
    pd.testing.assert_frame_equal(frame, before)
