from __future__ import annotations

import pandas as pd
import pytest

from medgraft import MedgraftError
from medgraft.graft.contract import check

SCHEMA = {
    "columns": [
        {"name": "age", "kind": "number", "levels": None},
        {"name": "sex", "kind": "category", "levels": ["f", "m"]},
    ]
}


def test_columns_come_back_in_the_order_of_training_without_the_others():
    frame, said = check(pd.DataFrame({"sex": ["f"], "extra": [1], "age": [3]}), SCHEMA)
    assert frame.columns.tolist() == ["age", "sex"]
    assert said == []


def test_a_missing_column_is_named_with_the_nearest_one_there_is():
    with pytest.raises(MedgraftError, match="'age'.*Did you mean 'Age'"):
        check(pd.DataFrame({"Age": [3], "sex": ["f"]}), SCHEMA)


def test_text_where_numbers_were_is_refused_with_an_example():
    with pytest.raises(MedgraftError, match="'age' must hold numbers.*1 of 2 rows.*'old'"):
        check(pd.DataFrame({"age": ["3", "old"], "sex": ["f", "m"]}), SCHEMA)


def test_a_level_never_seen_is_counted_and_said():
    _, said = check(pd.DataFrame({"age": [3, 4], "sex": ["x", "x"]}), SCHEMA)
    assert len(said) == 1 and "'sex' has 1 values in 2 rows" in said[0]


def test_missing_values_break_no_contract():
    frame, said = check(pd.DataFrame({"age": [None, 4], "sex": [None, "m"]}), SCHEMA)
    assert said == [] and frame["age"].isna().tolist() == [True, False]
