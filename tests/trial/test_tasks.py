from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.cohort import Split
from medgraft.trial.tasks import Outcome, TrainingData, fit, predict, run_task, seed_of


class Spy:
    """Remembers what it was given; predicts class 1 with certainty."""

    def fit(self, X, y, **keywords):
        self.X, self.y, self.keywords = X, y, keywords
        self.classes_ = np.array([1])
        return self

    def predict_proba(self, X):
        self.asked = X
        return np.ones((len(X), 1))


def data(n: int = 10) -> TrainingData:
    X = pd.DataFrame({"x": np.arange(n, dtype=float)})
    y = np.arange(n) % 3
    domains = np.array(["a", "b"])[np.arange(n) // 5]
    return TrainingData(X, y, np.arange(n), domains, "b", 3)


def split() -> Split:
    return Split(0, 0, 1, labelled=np.array([0, 1, 2, 5]), unlabelled=np.array([3, 7]), test=np.array([8, 9]))


def test_a_fit_sees_the_training_rows_and_no_test_row():
    spy = fit(Spy(), data(), split())
    assert spy.X["x"].tolist() == [0, 1, 2, 3, 5, 7]
    assert spy.keywords["labelled"].tolist() == [True, True, True, False, True, False]
    assert spy.keywords["domain"].tolist() == ["a", "a", "a", "a", "b", "b"]
    assert spy.keywords["groups"].tolist() == [0, 1, 2, 3, 5, 7]
    assert spy.keywords["target"] == "b"


def test_the_label_of_an_unlabelled_row_never_reaches_the_method():
    d = data()
    changed = d.y.copy()
    changed[[3, 7]] = [2, 0]
    first = fit(Spy(), d, split()).y
    second = fit(Spy(), TrainingData(d.X, changed, d.groups, d.domains, d.target, 3), split()).y
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[[0, 1, 2, 4]], d.y[[0, 1, 2, 5]])


def test_a_class_absent_from_training_gets_probability_zero_in_its_own_column():
    p = predict(fit(Spy(), data(), split()), data(), np.array([8, 9]))
    np.testing.assert_array_equal(p, [[0, 1, 0], [0, 1, 0]])


def test_an_outcome_is_read_back_as_it_was_written(tmp_path):
    outcome, _ = run_task(Spy(), data(), split())
    outcome.facts = {"choice": "coral"}
    outcome.write(tmp_path / "a.npz")
    back = Outcome.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(back.rows, [8, 9])
    np.testing.assert_array_equal(back.p, outcome.p)
    assert (back.cpu_seconds, back.facts) == (outcome.cpu_seconds, {"choice": "coral"})
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_seeds_depend_on_every_part_and_on_nothing_else():
    assert seed_of(0, 1, 2) == seed_of(0, 1, 2)
    seeds = {seed_of(s, r, f) for s in range(3) for r in range(3) for f in range(3)}
    assert len(seeds) == 27


def test_without_names_methods_are_given_no_patients_and_keep_copies_together_themselves():
    assert "groups" not in fit(Spy(), replace(data(), groups=None), split()).keywords
    table = pd.DataFrame(
        {"x": np.arange(20.0), "y": np.arange(20) // 10, "site": ["a", "b"] * 10, "p": range(20)}
    )
    roles = {"label": "y", "domain": "site"}
    unnamed = mg.Trial(mg.read(table.drop(columns="p"), **roles), ["pooled"], target="a", folds=2)
    named = mg.Trial(mg.read(table, **roles, group="p"), ["pooled"], target="a", folds=2)
    assert unnamed.arrays.groups is None and len(named.arrays.groups) == 20
