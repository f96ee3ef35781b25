from __future__ import annotations

import pytest

from medgraft.base import MedgraftError
from medgraft.methods.tuning.ranges import extremes, is_range, read_range
from medgraft.search import Choice, Float, Int


def test_each_word_stands_for_its_part_of_a_space():
    assert read_range("float(-1,1)") == Float(-1, 1)
    assert read_range("log(1e-5,1e-2)") == Float(1e-5, 1e-2, log=True)
    assert read_range("int(1,9)") == Int(1, 9)
    assert read_range("logint(1,512)") == Int(1, 512, log=True)
    assert read_range(" choice(0.2, rbf, true, null) ") == Choice((0.2, "rbf", True, None))
    assert extremes("int(1,9)") == (1, 9) and extremes("choice(a,b)") == ("a", "b")


@pytest.mark.parametrize("text", ["", "log", "sqrt(2)", "0.5", "log(1,2", "Log(1,2)"])
def test_other_values_are_no_ranges(text):
    assert not is_range(text)
    with pytest.raises(MedgraftError, match="is no range"):
        read_range(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("log(0,1)", "starts above 0"),
        ("float(2,1)", "in order"),
        ("int(1.5,3)", "whole numbers"),
        ("log(1)", "two numbers"),
        ("float(a,b)", "two numbers"),
        ("int(true,false)", "two numbers"),
        ("choice()", "at least one option"),
    ],
)
def test_a_range_that_cannot_be_is_refused_in_a_sentence(text, said):
    with pytest.raises(MedgraftError, match=said):
        read_range(text)
