from itertools import product

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.fairness import cells


def people(counts):
    """One row for each patient of a table of counts: {(level of a, level of b): patients}."""
    a = [k[0] for k, n in counts.items() for _ in range(n)]
    b = [k[1] for k, n in counts.items() for _ in range(n)]
    return {"a": a, "b": b}


def solutions(counts, found):
    """All tables of whole numbers from 1 that fit what is shown: what an attacker can do, by brute force."""
    keys = list(counts)
    told = [
        (
            [
                all(dict(zip("ab", k, strict=True))[a] == v for a, v in zip(c.of, c.level, strict=True))
                for k in keys
            ],
            c,
        )
        for c in found
    ]
    total = sum(counts.values())
    tried = np.array([t for t in product(*(range(1, total) for _ in keys[:-1]))])
    tried = np.column_stack([tried, total - tried.sum(axis=1)])
    tried = tried[tried[:, -1] >= 1]
    for mask, c in told:
        if c.shown:
            tried = tried[tried[:, mask].sum(axis=1) == c.n_patients]
    return tried, told


@pytest.mark.parametrize(
    "counts",
    [
        {("f", "x"): 2, ("f", "y"): 7, ("m", "x"): 6, ("m", "y"): 9},
        {("f", "x"): 1, ("f", "y"): 1, ("m", "x"): 12, ("m", "y"): 11},
        {("f", "x"): 3, ("f", "y"): 9, ("m", "x"): 9, ("m", "z"): 8},
        {("f", "x"): 9, ("m", "y"): 9, ("m", "x"): 1},
    ],
)
def test_no_small_cell_can_be_worked_out_from_what_is_shown(counts):
    k = 5
    found = cells(people(counts), fewest=k)
    fits, told = solutions(counts, found)
    assert len(fits)
    for mask, c in told:
        true = sum(n for n, m in zip(counts.values(), mask, strict=True) if m)
        assert not (c.shown and true < k)
        assert c.n_patients in (None, true)
        if true < k:
            possible = set(fits[:, mask].sum(axis=1))
            assert max(possible) >= k and len(possible) > 1


def test_two_levels_hide_each_other_and_the_total_stays():
    got = cells({"sex": ["f"] * 40 + ["m"] * 4})
    assert [(c.name, c.n_patients) for c in got] == [("all", 44), ("sex=f", None), ("sex=m", None)]


def test_two_small_levels_that_sum_to_too_few_take_a_third_with_them():
    got = {c.name: c.shown for c in cells({"s": ["a"] * 4 + ["b"] * 5 + ["c"] * 20 + ["d"] * 30})}
    assert got == {"all": True, "s=a": False, "s=b": False, "s=c": False, "s=d": True}


def test_in_a_crossing_a_rectangle_is_hidden():
    counts = {(a, b): 20 + i for i, (a, b) in enumerate(product("uvw", "xyz"))} | {("u", "x"): 3}
    got = cells(people(counts))
    hidden = {c.level for c in got if not c.shown}
    rows, columns = {a for a, _ in hidden}, {b for _, b in hidden}
    assert len(hidden) == 4 and len(rows) == len(columns) == 2 and ("u", "x") in hidden
    assert all(c.shown for c in got if len(c.of) < 2)


def test_nothing_is_hidden_where_all_are_many():
    got = cells({"sex": ["f"] * 40 + ["m"] * 40, "site": ["a", "b"] * 40})
    assert [c.n_patients for c in got] == [80, 40, 40, 40, 40, 20, 20, 20, 20]
    assert got[-1].name == "sex=m & site=b" and got[-1].rows.sum() == 20


def test_patients_are_counted_and_not_their_rows():
    sex = ["f"] * 90 + ["m"] * 20 + ["x"] * 40
    group = np.append(np.arange(110), np.repeat([200, 201, 202, 203], 10))
    got = {c.name: c.n_patients for c in cells({"sex": sex}, group=group)}
    assert got == {"all": 114, "sex=f": 90, "sex=m": None, "sex=x": None}


def test_a_patient_seen_at_two_sites_counts_at_both():
    got = cells({"site": ["a"] * 12 + ["b"] * 12}, group=np.append(np.arange(12), np.arange(6, 18)))
    assert [c.n_patients for c in got] == [18, 12, 12]


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(0)
    sex, site = rng.choice(["f", "m"], 90), rng.choice(["a", "b", "c"], 90, p=[0.5, 0.4, 0.1])
    i = rng.permutation(90)
    a, b = cells({"sex": sex, "site": site}), cells({"sex": sex[i], "site": site[i]})
    assert [(c.name, c.n_patients) for c in a] == [(c.name, c.n_patients) for c in b]
    assert any(not c.shown for c in a)


@pytest.mark.parametrize(
    ("attributes", "more", "said"),
    [
        ({}, {}, "no attribute"),
        ({"sex": ["f"] * 9}, {}, "There are 9 patients"),
        ({"sex": ["f"] * 20, "site": ["a"] * 19}, {}, "'site' has not as many rows"),
        ({"sex": ["f"] * 20}, {"fewest": 0}, "must be 1 or more"),
        ({"sex": ["f"] * 20}, {"group": [1]}, "'group' has shape"),
    ],
)
def test_what_cannot_be_cut_is_told_in_a_sentence(attributes, more, said):
    with pytest.raises(MedgraftError, match=said):
        cells(attributes, **more)
