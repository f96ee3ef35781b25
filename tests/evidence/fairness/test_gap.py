import json
import math

import numpy as np
import pytest
from scipy.stats import norm, studentized_range

from medgraft.evidence.decision.rates import rate
from medgraft.evidence.fairness.gap import expected_range, gap, simultaneous
from medgraft.evidence.fairness.mover import mover, p_value
from medgraft.evidence.interval import Interval


def normal(values, se):
    """Subgroups whose intervals are those of normal means with known errors."""

    def figure(name, level):
        half = norm.ppf((1 + level) / 2) * se[name]
        return Interval(values[name], values[name] - half, values[name] + half, level)

    return figure


def test_the_difference_of_two_normal_means_is_that_of_the_textbook():
    a, b = Interval(3.0, 3 - 1.2, 3 + 1.2), Interval(1.0, 1 - 0.5, 1 + 0.5)
    got = mover(a, b)
    assert (got.lo, got.hi) == pytest.approx((2 - 1.3, 2 + 1.3))
    paired = mover(a, b, 0.6)
    half = math.sqrt(1.2**2 + 0.5**2 - 2 * 0.6 * 1.2 * 0.5)
    assert (paired.lo, paired.hi) == pytest.approx((2 - half, 2 + half))
    assert mover(a, a, 1.0).lo == mover(a, a, 1.0).hi == 0


def test_two_shares_have_newcombes_published_interval():
    # Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10.
    one = rate(np.arange(70) < 56, np.ones(70, dtype=bool), np.arange(70))
    two = rate(np.arange(80) < 48, np.ones(80, dtype=bool), np.arange(80))
    got = mover(one, two)
    assert (got.value, got.lo, got.hi) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_p_value_falls_below_5_percent_where_zero_is_left_out():
    for lo, hi in ((0.01, 2.0), (-0.01, 2.0), (-3.0, -0.02), (-3.0, 0.02)):
        x = Interval(0.4 if lo > -1 else -0.4, lo, hi)
        assert (p_value(x) < 0.05) == (lo > 0 or hi < 0)
    assert p_value(Interval(1.0, -1.0, 3.0)) == pytest.approx(2 * norm.sf(1.959964 / 2), abs=1e-6)
    assert p_value(Interval(0.0, 0.0, 0.0)) == 1 and p_value(Interval(1.0, math.nan, math.nan)) == 1


def test_the_gap_of_normal_means_is_that_of_tukey():
    values, se = {"a": 1.0, "b": 3.0, "c": 6.0}, dict.fromkeys("abc", 1.0)
    got = gap(normal(values, se), {"a": 10, "b": 30, "c": 20}, "b", 0.95)
    assert (got.value, got.lowest, got.highest) == (5, "a", "c")
    # Equal errors of 1: Tukey's honest difference is q itself; the upper end is that of a single difference.
    assert got.lo == pytest.approx(5 - studentized_range.ppf(0.95, 3, np.inf), abs=1e-3)
    assert got.hi == pytest.approx(5 + norm.ppf(0.975) * math.sqrt(2))
    assert {k: round(d.value, 9) for k, d in got.differences.items()} == {"a": -2, "c": 3}
    assert got.differences["c"].lo == pytest.approx(3 - norm.ppf(0.975) * math.sqrt(2))


def test_adjusted_p_values_are_holms():
    values, se = {"a": 1.0, "b": 3.0, "c": 6.0}, dict.fromkeys("abc", 1.0)
    got = gap(normal(values, se), dict.fromkeys("abc", 10), "b", 0.95)
    small, large = 2 * norm.sf(3 / math.sqrt(2)), 2 * norm.sf(2 / math.sqrt(2))
    assert got.p_adjusted == pytest.approx({"c": 2 * small, "a": large})


def test_with_two_levels_the_lower_end_is_that_of_the_plain_difference():
    got = gap(normal({"a": 0.0, "b": 3.0}, {"a": 1.0, "b": 0.5}), {"a": 5, "b": 5}, "a", 0.95)
    d = got.differences["b"]
    assert (got.lo, got.hi) == pytest.approx((d.lo, d.hi), abs=1e-4)
    assert simultaneous(2, 0.95) == pytest.approx(0.95, abs=1e-6)


def test_no_difference_has_a_gap_that_chance_explains():
    figures = normal(dict.fromkeys("abcd", 0.7), dict.fromkeys("abcd", 0.1))
    got = gap(figures, dict.fromkeys("abcd", 9), "a", 0.95)
    assert got.lo == 0 and got.value == 0
    # The mean range of four standard normal values is 2.0588.
    assert got.by_chance == pytest.approx(0.20588, rel=1e-4)
    assert expected_range([Interval(0, -1.96, 1.96)] * 2) == pytest.approx(2 / math.sqrt(math.pi), rel=1e-4)


def test_covers_and_finds_no_gap_where_there_is_none():
    rng = np.random.default_rng(0)
    se = {"a": 1.0, "b": 0.5, "c": 2.0}
    found, covered = [], []
    for _ in range(400):
        drawn = {k: rng.normal(scale=s) for k, s in se.items()}
        found.append(gap(normal(drawn, se), dict.fromkeys("abc", 9), "a", 0.95).lo > 0)
        apart = {k: v + {"a": 0.0, "b": 3.0, "c": 1.0}[k] for k, v in drawn.items()}
        got = gap(normal(apart, se), dict.fromkeys("abc", 9), "a", 0.95)
        covered.append(got.lo <= 3.0 <= got.hi)
    assert np.mean(found) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert np.mean(covered) > 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_subgroup_without_an_interval_is_left_out_and_named():
    figures = {
        "a": Interval(0.5, 0.4, 0.6),
        "b": Interval(0.9, math.nan, math.nan),
        "c": Interval(0.7, 0.6, 0.8),
    }
    got = gap(lambda k, level: figures[k], dict.fromkeys("abc", 9), "a", 0.95)
    assert got.value == pytest.approx(0.2) and "b" in got.note
    alone = gap(lambda k, level: figures[k], {"a": 9, "b": 9}, "a", 0.95)
    assert math.isnan(alone.value) and "two subgroups" in alone.note
    json.dumps(alone.to_dict(), allow_nan=False)
