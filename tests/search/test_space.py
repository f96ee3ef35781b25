from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.search import Choice, Float, Int, Simplex, Space


def test_a_logarithmic_range_has_equal_factors_at_equal_distances():
    part = Float(1e-4, 1e4, log=True)
    got = [part.value(np.array([u])) for u in (0.0, 0.25, 0.5, 0.75, 1.0)]
    np.testing.assert_allclose(got, [1e-4, 1e-2, 1.0, 1e2, 1e4])


@pytest.mark.parametrize("part", [Int(1, 5), Int(-2, 2)])
def test_every_whole_number_has_an_equal_share_of_the_cube(part):
    got = [part.value(np.array([u])) for u in np.linspace(0, 1, 5001)]
    counts = np.bincount(np.array(got) - part.low)
    assert len(counts) == 5 and counts.min() >= 999 and all(type(v) is int for v in got)


def test_options_keep_their_type_and_evenly_drawn_places_choose_them_evenly():
    part = Choice(("a", 3, None))
    rng = np.random.default_rng(0)
    got = [part.value(rng.random(3)) for _ in range(3000)]
    assert all(abs(got.count(o) - 1000) < 100 for o in part.options)


def test_evenly_drawn_places_are_evenly_drawn_weights():
    rng = np.random.default_rng(0)
    W = np.array([Simplex(3).value(u) for u in rng.random((4000, 3))])
    np.testing.assert_allclose(W.sum(axis=1), 1.0)
    np.testing.assert_allclose(W.mean(axis=0), 1 / 3, atol=0.02)
    np.testing.assert_allclose(W.var(axis=0), 1 / 18, atol=0.005)  # of the flat Dirichlet law
    for corner in (np.zeros(3), np.ones(3)):
        np.testing.assert_allclose(Simplex(3).value(corner), 1 / 3)


def test_values_come_back_from_their_place():
    space = Space(
        {"a": Float(-1, 3), "b": Float(0.1, 10, log=True), "c": Int(1, 9, log=True), "d": Choice(("x", "y")),
         "w": Simplex(3)}
    )  # fmt: skip
    assert space.d == 8
    given = {"a": 2.5, "b": 0.4, "c": 7, "d": "y", "w": [0.2, 0.5, 0.3]}
    place = space.place(given)
    assert (place >= 0).all() and (place <= 1).all()
    got = space.values(place)
    np.testing.assert_allclose([got["a"], got["b"]], [2.5, 0.4])
    np.testing.assert_allclose(got["w"], given["w"])
    assert (got["c"], got["d"]) == (7, "y")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Float(1, 1), "two finite ends"),
        (lambda: Float(0, np.inf), "two finite ends"),
        (lambda: Float(0, 1, log=True), "above 0"),
        (lambda: Int(3, 2), "two finite ends"),
        (lambda: Int(1.5, 2), "whole numbers"),
        (lambda: Choice(()), "at least one option"),
        (lambda: Simplex(0), "at least one weight"),
        (lambda: Space({}), "nothing to search"),
        (lambda: Space({"a": Float(0, 1)}).place({"b": 1}), "a value for each"),
        (lambda: Float(0, 1).place(2), "not between"),
        (lambda: Int(0, 3).place(1.5), "no whole number"),
        (lambda: Choice((1, 2)).place(3), "none of the options"),
        (lambda: Simplex(2).place([0.7, 0.7]), "sum to 1"),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(make, says):
    with pytest.raises(MedgraftError, match=says):
        make()
