"""Candidates by cosine: worked out by hand, pair by pair, and independent of order and length."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.retrieval import rank
from medgraft.methods.retrieval.rank import HOW

KNOWN = {"A": [[3.0, 0.0], [0.0, 1.0]], "B": [[1.0, 1.0]], "C": [[-1.0, 0.0], [0.0, 2.0], [0.0, -1.0]]}
HALF = np.sqrt(0.5)


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(7, 5)), {
        name: rng.normal(size=(m, 5)) for name, m in (("x", 4), ("y", 9), ("z", 1))
    }


def table(ranked):
    return {(q, c): s for q, c, s in ranked[["query", "candidate", "similarity"]].itertuples(index=False)}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("mean", {"A": 0.5, "B": HALF, "C": -1 / 3}),
        ("max", {"A": 1.0, "B": HALF, "C": 0.0}),
        ("centroid", {"A": 3 / np.sqrt(10), "B": HALF, "C": -1 / np.sqrt(2)}),
    ],
)
def test_similarities_are_those_worked_out_by_hand(how, expected):
    ranked = rank([[2.0, 0.0]], KNOWN, how, names=["q"])
    assert {c: s for (_, c), s in table(ranked).items()} == pytest.approx(expected)
    order = sorted(expected, key=expected.get, reverse=True)
    assert ranked["candidate"].tolist() == order and ranked["rank"].tolist() == [1, 2, 3]


def test_the_mean_and_the_maximum_are_over_all_pairs_one_by_one():
    Q, known = drawn()
    for how, over in (("mean", np.mean), ("max", np.max)):
        said = table(rank(Q, known, how))
        for i, q in enumerate(Q):
            for name, C in known.items():
                pairs = [q @ c / np.sqrt(q @ q) / np.sqrt(c @ c) for c in C]
                assert said[i, name] == pytest.approx(over(pairs), abs=1e-9)


@pytest.mark.parametrize("how", HOW)
def test_neither_the_length_of_vectors_of_queries_nor_any_order_matters(how):
    Q, known = drawn()
    said = table(rank(Q, known, how))
    again = rank(3 * Q[::-1], {n: known[n][::-1] for n in ("z", "x", "y")}, how, names=range(6, -1, -1))
    assert table(again) == pytest.approx(said)
    if how != "centroid":  # its mean is of the vectors as they are
        assert table(rank(Q, {n: 7 * C for n, C in known.items()}, how)) == pytest.approx(said)


def test_chunks_of_the_maximum_change_nothing(monkeypatch):
    module = import_module("medgraft.methods.retrieval.rank")  # the package has a function of that name
    Q, known = drawn()
    whole = rank(Q, known, "max")
    monkeypatch.setattr(module, "CHUNK", 10)
    assert rank(Q, known, "max").equals(whole)


def test_equals_have_the_last_rank_among_them_and_stand_by_name():
    ranked = rank([[1.0, 0.0]], {"c": [[0.0, 1.0]], "b": [[2.0, 0.0]], "a": [[1.0, 0.0]], "d": [[0.0, -3.0]]})
    assert ranked["candidate"].tolist() == ["a", "b", "c", "d"] and ranked["rank"].tolist() == [2, 2, 4, 4]


def test_a_vector_without_length_is_like_nothing():
    ranked = rank([[0.0, 0.0], [1.0, 0.0]], {"a": [[0.0, 0.0]], "b": [[1.0, 0.0], [0.0, 0.0]]})
    assert table(ranked) == {(0, "a"): 0.0, (0, "b"): 0.0, (1, "b"): 0.5, (1, "a"): 0.0}


def test_the_callers_arrays_stay_as_they_were():
    Q, known = drawn()
    before = Q.copy(), {n: C.copy() for n, C in known.items()}
    for how in HOW:
        rank(Q, known, how)
    np.testing.assert_array_equal(Q, before[0])
    for name, C in known.items():
        np.testing.assert_array_equal(C, before[1][name])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([[1.0]], {"a": [[1.0]]}, "median"), "how='median' does not exist: use one of mean, max, centroid"),
        (([[1.0]], {}), "no candidate"),
        (([1.0], {"a": [[1.0]]}), r"The queries must be an array \(n, d\)"),
        (([[1.0]], {"a": [[1.0, 2.0]]}), r"The candidate 'a' must be an array \(n, 1\)"),
        (([[1.0]], {"a": np.empty((0, 1))}), "a row or more"),
        (([[1.0], [np.nan]], {"a": [[1.0]]}), "The queries has a gap in row 1"),
    ],
)
def test_what_cannot_be_ranked_is_told_in_a_sentence(given, words):
    with pytest.raises(MedgraftError, match=words):
        rank(*given)
    with pytest.raises(MedgraftError, match="1 queries and 2 names"):
        rank([[1.0]], {"a": [[1.0]]}, names=["x", "y"])
