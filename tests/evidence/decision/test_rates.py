import math

import numpy as np
import pytest
from scipy.optimize import brentq

from medgraft.base import MedgraftError
from medgraft.evidence.decision.rates import binary, rate, ratio_of_rates

ALL = np.ones(30, dtype=bool)


def test_with_one_row_a_patient_the_interval_solves_wilsons_equation():
    hit = np.arange(30) < 22
    got = rate(hit, ALL, np.arange(30))

    def score(pi):
        return (22 / 30 - pi) ** 2 - 1.959963984540054**2 * pi * (1 - pi) / 30

    assert got.lo == pytest.approx(brentq(score, 1e-9, 22 / 30), abs=1e-9)
    assert got.hi == pytest.approx(brentq(score, 22 / 30, 1 - 1e-9), abs=1e-9)


def test_several_rows_a_patient_have_the_variance_of_the_ratio():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 12, 30)
    hit = rng.random(30) < np.linspace(0.1, 0.9, 12)[group]
    x = np.array([hit[group == g].sum() for g in np.unique(group)])
    m = np.array([(group == g).sum() for g in np.unique(group)])
    pi, n = x.sum() / m.sum(), len(m)
    variance = n / (n - 1) * ((x - pi * m) ** 2).sum() / m.sum() ** 2
    effective = min(pi * (1 - pi) / variance, 30)
    from scipy.stats import t

    def score(p):
        return (pi - p) ** 2 - t.ppf(0.975, n - 1) ** 2 * p * (1 - p) / effective

    got = rate(hit, ALL, group)
    assert got.lo == pytest.approx(brentq(score, 1e-9, pi), abs=1e-9)
    assert got.hi == pytest.approx(brentq(score, pi, 1 - 1e-9), abs=1e-9)


def test_copies_of_a_patients_row_are_no_news():
    hit = np.arange(30) < 22
    once = rate(hit, ALL, np.arange(30))
    thrice = rate(np.repeat(hit, 3), np.ones(90, dtype=bool), np.repeat(np.arange(30), 3))
    rows = rate(np.repeat(hit, 3), np.ones(90, dtype=bool), np.arange(90))
    assert thrice.value == once.value
    assert thrice.hi - thrice.lo == pytest.approx(once.hi - once.lo, rel=0.08)  # Student's t, and G - 1
    assert thrice.hi - thrice.lo > once.hi - once.lo > 1.6 * (rows.hi - rows.lo)


def test_all_hit_counts_the_patients():
    group = np.repeat(np.arange(10), 3)
    assert rate(ALL, ALL, group).lo == pytest.approx(10 / (10 + 1.959963984540054**2))
    assert rate(~ALL, ALL, group).value == 0


def test_no_row_and_one_patient_say_why_there_is_no_interval():
    assert math.isnan(rate(ALL, ~ALL, np.arange(30)).value)
    one = rate(np.arange(30) < 4, ALL, np.zeros(30, dtype=int))
    assert one.value == pytest.approx(4 / 30) and math.isnan(one.lo) and "One patient" in one.note


def test_a_likelihood_ratio_with_one_row_a_patient_has_the_log_methods_interval():
    # Of 20 with the event 16 flagged, of 80 without 8.
    event = np.arange(100) < 20
    hit = (np.arange(100) < 16) | (np.arange(100) >= 92)
    got = ratio_of_rates(hit, event, ~event, np.arange(100), 0.95)
    half = 1.959963984540054 * math.sqrt(1 / 16 - 1 / 20 + 1 / 8 - 1 / 80)
    assert got.value == pytest.approx(8.0)
    assert (got.lo, got.hi) == pytest.approx((8 * math.exp(-half), 8 * math.exp(half)))


def test_an_empty_cell_has_an_interval_from_half_a_patient_more():
    event = np.arange(20) < 10
    got = ratio_of_rates(event, event, ~event, np.arange(20), 0.95)
    assert got.value == math.inf and got.hi == math.inf and 1 < got.lo < 21
    none = ratio_of_rates(~event, event, ~event, np.arange(20), 0.95)
    assert none.value == 0 and none.lo == 0 and none.hi == pytest.approx(1 / got.lo)


def test_the_order_of_rows_and_the_names_of_patients_do_not_matter():
    rng = np.random.default_rng(1)
    hit, event, group = rng.random(60) < 0.5, rng.random(60) < 0.5, rng.integers(0, 20, 60)
    i, new = rng.permutation(60), rng.permutation(20)
    for a, b in (
        (rate(hit, event, group), rate(hit[i], event[i], new[group][i])),
        (
            ratio_of_rates(hit, event, ~event, group, 0.9),
            ratio_of_rates(hit[i], event[i], ~event[i], new[group][i], 0.9),
        ),
    ):
        assert (a.value, a.lo, a.hi) == pytest.approx((b.value, b.lo, b.hi), abs=1e-12)


@pytest.mark.parametrize(
    ("y", "p", "said"),
    [
        ([0, 1], np.ones((2, 3)) / 3, "one event"),
        ([0, 2], [0.1, 0.2], "class codes 0 to 1"),
        ([0, 1], [0.1, np.nan], "not finite"),
        ([0, 1, 1], [0.1, 0.2], "3 rows"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(y, p, said):
    with pytest.raises(MedgraftError, match=said):
        binary(y, p)
