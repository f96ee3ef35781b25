from __future__ import annotations

import pytest

from medgraft.report import words


def test_a_metric_of_another_version_keeps_its_own_name():
    assert words.metric_label("auroc") == "AUROC" and "coin toss" in words.metric_meaning("auroc")
    assert words.metric_label("c_index") == "c_index" and words.metric_meaning("c_index") == ""


@pytest.mark.parametrize(
    ("metric", "values", "places"),
    [
        ("auroc", [0.7, 0.8], 3),
        ("mae", [44.3, 51.0], 1),
        ("mae", [0.0443], 4),
        ("rmse", [5210.0], 0),
        ("mae", [None], 3),
        ("mae", [1e-12], 6),
    ],
)
def test_three_digits_of_the_largest_value_are_shown(metric, values, places):
    assert words.decimals(metric, values) == places


def test_a_rounded_zero_has_no_sign_and_a_negative_number_a_true_minus():
    assert words.number(-0.0004, 3, sign=True) == "0.000"
    assert words.number(0.0004, 3, sign=True) == "0.000"
    assert words.number(-1.5, 1) == "−1.5"
    assert words.span((-0.1, 0.2), 1, sign=True) == "−0.1 to +0.2"
    assert words.span((None, 0.2)) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.034, "0.03 s"), (9.94, "9.9 s"), (59.4, "59 s"), (59.6, "1 min"), (3599.7, "1 h 0 min"), (None, "–")],
)
def test_durations_carry_over_at_the_full_minute_and_hour(seconds, text):
    assert words.duration(seconds) == text


def test_long_lists_say_how_much_they_leave_out():
    assert words.plain([f"b{i}" for i in range(15)]).endswith("b11 and 3 more")
    assert words.plain({"freeze": True, "rate": 1e-4, "head": None}) == "freeze yes, rate 0.0001, head none"
