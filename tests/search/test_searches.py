"""One contract for every optimiser."""

from __future__ import annotations

import importlib.util
import math
import sys

import numpy as np
import pytest
from scipy.stats import binomtest

from medgraft.base import MedgraftError
from medgraft.search import Choice, Float, Int, Simplex, Space, searches

NAMES = [n for n in searches if n != "optuna-tpe" or importlib.util.find_spec("optuna")]
every = pytest.mark.parametrize("name", NAMES)
MIXED = Space(
    {"x": Float(-2.0, 3.0), "c": Float(1e-3, 1e3, log=True), "k": Int(1, 9), "o": Choice(("a", "b")),
     "w": Simplex(3)}
)  # fmt: skip


def mixed(v):
    return (v["x"] - 1) ** 2 + math.log10(v["c"]) ** 2 + (v["k"] - 3) ** 2 + (v["o"] == "a") + v["w"][0]


def test_the_names_asked_for_are_there():
    wanted = {"pso", "pso-constriction", "firefly", "slime-mould", "random", "optuna-tpe"}
    assert wanted <= set(searches)
    assert all(searches[n].summary and searches[n].refs for n in searches)


@every
@pytest.mark.parametrize("budget", [1, 5, 37, 120])
def test_no_search_exceeds_its_budget_and_each_spends_it(name, budget):
    calls = []
    found = searches[name].minimise(lambda v: calls.append(v) or mixed(v), MIXED, budget=budget, seed=0)
    assert len(calls) == budget == len(found.history)


@every
def test_values_keep_their_bounds_and_types_and_the_best_is_the_least_of_all_calls(name):
    found = searches[name].minimise(mixed, MIXED, budget=150, seed=1)
    for v, value in found.history:
        assert -2 <= v["x"] <= 3 and 1e-3 <= v["c"] <= 1e3 and v["o"] in ("a", "b")
        assert type(v["k"]) is int and 1 <= v["k"] <= 9 and type(v["x"]) is float
        assert (v["w"] >= 0).all() and abs(v["w"].sum() - 1) < 1e-9 and value == mixed(v)
    assert found.value == min(value for _, value in found.history) == mixed(found.best)


@every
def test_the_same_seed_repeats_every_call_and_the_global_state_is_left_alone(name):
    state = np.random.get_state()[1].copy()
    a, b, c = (searches[name].minimise(mixed, MIXED, budget=60, seed=s) for s in (3, 3, 4))
    assert repr(a.history) == repr(b.history) != repr(c.history)
    assert (np.random.get_state()[1] == state).all()


@every
def test_the_start_is_called_first(name):
    start = {"x": 0.5, "c": 10.0, "k": 4, "o": "b", "w": np.array([0.1, 0.2, 0.7])}
    found = searches[name].minimise(mixed, MIXED, budget=20, seed=0, start=start)
    first = found.history[0][0]
    np.testing.assert_allclose([first["x"], first["c"], *first["w"]], [0.5, 10.0, 0.1, 0.2, 0.7])
    assert (first["k"], first["o"]) == (4, "b")


@every
def test_what_is_not_a_number_counts_as_worst(name):
    def sometimes(v):
        return math.nan if v["x"] < 1 else v["x"]

    found = searches[name].minimise(sometimes, MIXED, budget=80, seed=0)
    assert found.best["x"] >= 1 and any(math.isnan(value) for _, value in found.history)
    never = searches[name].minimise(lambda v: math.nan, MIXED, budget=40, seed=0)
    assert never.value == math.inf and len(never.history) == 40


@every
def test_an_exception_of_the_objective_passes_through(name):
    class Broken(Exception):
        pass

    def fails(v):
        raise Broken

    with pytest.raises(Broken):
        searches[name].minimise(fails, MIXED, budget=5, seed=0)


@every
@pytest.mark.parametrize("budget", [0, -1, 1.5])
def test_a_budget_below_one_call_is_refused(name, budget):
    with pytest.raises(MedgraftError, match="number of calls"):
        searches[name].minimise(mixed, MIXED, budget=budget, seed=0)


BOX = Space({f"x{i}": Float(-1.0, 1.0) for i in range(3)})


def quadratic(seed):
    rng = np.random.default_rng(1000 + seed)
    middle = rng.uniform(-0.8, 0.8, 3)
    A = rng.normal(size=(3, 3))
    A = A @ A.T + np.eye(3)

    def f(v):
        gap = np.array([v[f"x{i}"] for i in range(3)]) - middle
        return float(gap @ A @ gap)

    return f


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("random", "optuna-tpe")])
def test_convex_quadratics_are_solved_and_random_search_is_beaten(name):
    found, control = (
        np.array([searches[n].minimise(quadratic(s), BOX, budget=250, seed=s).value for s in range(20)])
        for n in (name, "random")
    )
    wins = int((found < control).sum())
    assert binomtest(wins, 20, alternative="greater").pvalue < 0.001
    assert np.median(found) < 0.02


def test_without_optuna_its_search_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MedgraftError, match="install it with 'pip install optuna'"):
        searches["optuna-tpe"].minimise(mixed, MIXED, budget=2, seed=0)
