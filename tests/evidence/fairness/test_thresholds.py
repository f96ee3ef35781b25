import json
import math

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.decision import choose_threshold
from medgraft.evidence.fairness import choose_group_thresholds


def drawn(n=300, seed=0):
    rng = np.random.default_rng(seed)
    y, site = rng.integers(0, 2, n), rng.choice(["a", "b"], n)
    return y, np.clip(0.25 * y + 0.5 * rng.random(n) + 0.25 * (site == "b"), 0, 1), site


def test_each_subgroup_has_the_threshold_of_its_own_rows():
    y, p, site = drawn()
    got = choose_group_thresholds(y, p, site, "cost", 2.0)
    for s in "ab":
        assert got.points[s].threshold == choose_threshold(y[site == s], p[site == s], "cost", 2.0).threshold
    flag = got.decide(p, site)
    for s in "ab":
        np.testing.assert_array_equal(flag[site == s], p[site == s] >= got.points[s].threshold)


def test_few_patients_and_unknown_levels_take_the_threshold_of_all():
    y, p, site = drawn()
    site = site.copy()
    site[:15] = "small"
    got = choose_group_thresholds(y, p, site)
    assert set(got.points) == {"a", "b"}
    want = choose_threshold(y, p, "sensitivity", 0.9).threshold
    np.testing.assert_array_equal(got.decide(p, np.full(300, "new")), p >= want)
    np.testing.assert_array_equal(got.decide(p, site)[:15], p[:15] >= want)


def test_thresholds_by_subgroup_even_out_what_one_threshold_does_not():
    # Uniform scores, those of site b a quarter higher: the sensitivity of threshold t is known.
    rng = np.random.default_rng(1)
    site = np.repeat(["a", "b"], 400)
    p = rng.random(800) / 2 + 0.25 * (site == "b")
    y = np.arange(800) % 2
    one = choose_threshold(y, p, "sensitivity", 0.9).threshold
    own = choose_group_thresholds(y, p, site).points
    true = {s: (lambda t, s=s: min(1.0, (0.5 + 0.25 * (s == "b") - t) * 2)) for s in "ab"}
    assert abs(true["a"](own["a"].threshold) - true["b"](own["b"].threshold)) < 0.06
    assert true["b"](one) - true["a"](one) > 0.15


def test_those_it_was_chosen_on_cannot_judge_it():
    y, p, site = drawn()
    half, group = np.arange(300) < 150, np.arange(300)
    got = choose_group_thresholds(y[half], p[half], site[half], group=group[half])
    with pytest.raises(MedgraftError, match="150 of these patients|151 of these patients"):
        got.report(y[half], p[half], site[half], group=group[half])
    told = got.report(y[~half], p[~half], site[~half], group=group[~half])
    flag = got.decide(p[~half], site[~half])
    shares = [flag[(site[~half] == s) & (y[~half] == 1)].mean() for s in "ab"]
    assert told.equal_opportunity.value == pytest.approx(np.ptp(shares))
    assert math.isfinite(told.equalised_odds.hi)
    json.dumps(got.to_dict(), allow_nan=False)


def test_an_attribute_of_another_length_is_refused():
    y, p, site = drawn()
    with pytest.raises(MedgraftError, match="attribute has shape"):
        choose_group_thresholds(y, p, site[:-1])
    with pytest.raises(MedgraftError, match="attribute has shape"):
        choose_group_thresholds(y, p, site).decide(p, site[:-1])
