"""The order of stages, from their names or from the user."""

from __future__ import annotations

import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.levels import order_levels


@pytest.mark.parametrize(
    "levels",
    [
        ["2", "9", "10"],
        ["Stage I", "Stage II", "Stage III", "Stage IV", "Stage IX", "Stage X"],
        ["Stage 0", "Stage I", "Stage II"],
        ["I", "IIA", "IIB", "III", "IV"],
        ["grade 1", "Grade 2", "grade_10"],
        ["T1a", "T1b", "T2", "T3"],
        ["0.5", "1", "2"],
    ],
)
def test_numbers_and_numerals_tell_the_order_whatever_order_they_come_in(levels):
    assert list(order_levels(reversed(levels), "y")) == levels
    assert list(order_levels(sorted(levels), "y")) == levels


@pytest.mark.parametrize("levels", [["mild", "moderate", "severe"], ["T1", "N1", "N2"], ["mix", "six", "vi"]])
def test_words_and_mixed_stems_do_not_and_the_sentence_asks_for_the_levels(levels):
    with pytest.raises(MedgraftError, match=r"cannot be told from their names: give it with --levels"):
        order_levels(levels, "y")


def test_given_levels_may_hold_more_than_occur_but_not_less_and_none_twice():
    assert order_levels({"b", "a"}, "y", ["b", "c", "a"]) == ("b", "c", "a")
    with pytest.raises(MedgraftError, match="'seven', which --levels lacks. Did you mean 'seve"):
        order_levels({"mild", "seven"}, "y", ["none", "mild", "severe"])
    with pytest.raises(MedgraftError, match="names 'b' twice"):
        order_levels({"b", "a"}, "y", ["b", "a", "b"])


@pytest.mark.parametrize("count", [2, 21])
def test_two_levels_and_more_than_twenty_are_no_stages(count):
    with pytest.raises(MedgraftError, match=f"has {count} levels"):
        order_levels(map(str, range(count)), "y")


def test_a_cohort_codes_its_stages_in_their_order_and_never_guesses_that_they_are_stages():
    words = ["Moderate", "NonDemented", "Mild", "VeryMild"] * 2
    frame = pd.DataFrame({"x": range(8), "stage": words})
    assert mg.read(frame, label="stage").task == "multiclass"
    order = "NonDemented, VeryMild,Mild,Moderate"
    cohort = mg.read(frame, label="stage", task="ordinal", levels=order)
    assert cohort.task == "ordinal"
    assert cohort.classes == ["NonDemented", "VeryMild", "Mild", "Moderate"]
    assert cohort.y.tolist() == [3, 0, 2, 1] * 2
    assert mg.read(frame, label="stage", task="ordinal", levels=order.split(",")).classes[2] == "Mild"


def test_levels_without_a_task_that_has_some_are_refused():
    frame = pd.DataFrame({"x": range(8), "stage": [1, 2, 3, 4] * 2})
    with pytest.raises(MedgraftError, match="add --task ordinal or multilabel"):
        mg.read(frame, label="stage", levels="1,2,3,4")
