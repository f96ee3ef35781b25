import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.fairness import parity

# Drawn once, and given to the library fairlearn 0.15.0.
LEVEL = np.array(list("ccaaccbaabcaaccabbbababbbabbcbacbbabccabacabcbcaccaaaaaacacc"))
Y = np.array(list("011000000110010111100010000000001011011101111101110110001000"), dtype=int)
FLAG = np.array(list("110110111110010010111011101010011011011111100011100111101110"), dtype=int)


def test_the_differences_are_those_of_fairlearn():
    got = parity(Y, FLAG, LEVEL, fewest=5)
    assert got.demographic_parity.value == pytest.approx(0.07551487414187641, abs=1e-9)
    assert got.equal_opportunity.value == pytest.approx(0.07777777777777783, abs=1e-9)
    assert got.equalised_odds.value == pytest.approx(0.09166666666666667, abs=1e-9)


def test_the_differences_are_those_of_counting():
    rng = np.random.default_rng(0)
    y, flag, of = rng.integers(0, 2, 200), rng.integers(0, 2, 200), rng.choice(list("abc"), 200)
    shares = {k: [flag[(of == a) & (y == k)].mean() for a in "abc"] for k in (0, 1)}
    got = parity(y, flag, of)
    assert got.equal_opportunity.value == pytest.approx(np.ptp(shares[1]))
    assert got.false_alarms.value == pytest.approx(np.ptp(shares[0]))
    assert got.equalised_odds.value == pytest.approx(max(np.ptp(shares[0]), np.ptp(shares[1])))
    assert got.demographic_parity.value == pytest.approx(np.ptp([flag[of == a].mean() for a in "abc"]))


def test_equalised_odds_hold_both_gaps():
    y, of = np.tile([0, 1], 100), np.repeat(["f", "m"], 100)
    flag = np.where((of == "f") & (np.arange(200) % 20 < 10), y, 0)
    got = parity(y, flag, of)
    assert got.false_alarms.value == 0
    assert got.equalised_odds.value == got.equal_opportunity.value == 0.5
    assert 0 < got.equalised_odds.lo < got.equal_opportunity.lo
    assert got.equalised_odds.hi == got.equal_opportunity.hi
    json.dumps(got.to_dict(), allow_nan=False)


def test_copies_of_a_patients_rows_do_not_narrow_a_gap():
    rng = np.random.default_rng(1)
    y, flag, of = rng.integers(0, 2, 120), rng.integers(0, 2, 120), np.repeat(["f", "m"], 60)
    once = parity(y, flag, of).demographic_parity
    group = np.repeat(np.arange(120), 4)
    four = parity(*(np.repeat(a, 4) for a in (y, flag, of)), group=group).demographic_parity
    assert four.value == once.value
    assert four.hi - four.value == pytest.approx(once.hi - once.value, rel=0.05)


def test_one_level_alone_has_no_gap():
    with pytest.raises(MedgraftError, match="Fewer than two levels"):
        parity(Y, FLAG, np.where(LEVEL == "a", "a", "b"), fewest=30)
    with pytest.raises(MedgraftError, match="The attribute has 59 rows"):
        parity(Y, FLAG, LEVEL[:59])
