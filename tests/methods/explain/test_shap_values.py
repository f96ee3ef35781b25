"""Shapley values against the definition: all subsets of columns, one after the other."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.naive_bayes import GaussianNB

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.graft import load, save
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.explain.blocks import blocks_of
from medgraft.methods.explain.shap_values import shap_values
from medgraft.methods.learners.forest import ForestLearner
from medgraft.methods.model.boost_transfer import BoostTransfer
from medgraft.methods.multilabel import MultiLabel
from samples import two_sites


def by_definition(f, X, B):
    """phi (n, p, K) of a function of DataFrames, by sums over all subsets."""
    p = X.shape[1]

    def worth(row, S):
        mixed = B.copy()
        for j in S:
            mixed.isetitem(j, X.iloc[[row] * len(B), j].array)
        return f(mixed).mean(axis=0)

    rows = []
    for row in range(len(X)):
        out = []
        for j in range(p):
            others, total = [k for k in range(p) if k != j], 0.0
            for size in range(p):
                weight = factorial(size) * factorial(p - size - 1) / factorial(p)
                for S in combinations(others, size):
                    total = total + weight * (worth(row, (*S, j)) - worth(row, S))
            out.append(total)
        rows.append(np.stack(out))
    return np.stack(rows)


@pytest.fixture(scope="module")
def table():
    frame = two_sites()
    frame["colour"] = np.where(np.arange(len(frame)) % 7 == 0, "green", frame["colour"])
    return frame[["colour", "x1", "x2", "x3"]], frame["ill"].to_numpy()


def test_a_linear_rule_s_values_are_those_of_the_definition_in_log_odds(table):
    X, y = table
    m = Pooled().fit(X, y)
    B, few = X.iloc[:30], X.iloc[[40, 3, 77]]
    truth = by_definition(lambda F: logit(m.predict_proba(F)), few, B)
    before = X.copy()
    for k, name in enumerate(m.classes_):
        found = shap_values(m, few, B, target=name)
        assert (found.way, found.unit, found.columns) == ("linear", "log-odds", list(X.columns))
        assert np.allclose(found.values, truth[:, :, k], atol=1e-8) and np.abs(found.values[:, 0]).min() > 0
        assert np.allclose(expit(found.score), m.predict_proba(few)[:, k])
        assert np.allclose(found.base + found.values.sum(axis=1), found.score)
    pd.testing.assert_frame_equal(X, before)


def test_several_classes_and_values_have_linear_rules_too(table):
    X, _ = table
    frame = two_sites(task="multiclass")
    m = Pooled().fit(X, frame["ill"])
    found = shap_values(m, X.iloc[:4], X.iloc[:20])
    assert found.targets == m.predict(X.iloc[:4]).tolist() and found.unit == "score"
    value = Pooled(task="regression").fit(X, two_sites(task="regression")["ill"])
    found = shap_values(value, X.iloc[:4], X.iloc[:20])
    assert found.unit == "value" and found.targets == [None] * 4
    truth = by_definition(lambda F: value.predict(F)[:, None], X.iloc[:4], X.iloc[:20])[:, :, 0]
    assert np.allclose(found.values, truth, atol=1e-8)
    assert np.allclose(found.base + found.values.sum(axis=1), value.predict(X.iloc[:4]))
    with pytest.raises(MedgraftError, match="leave target out"):
        shap_values(value, X, X, target="yes")


NUMBERS = ["x1", "x3"]


@pytest.mark.parametrize(
    "learner",
    [RandomForestClassifier(20, max_depth=3, random_state=0), ForestLearner(trees=20, random_state=0)],
)
def test_the_values_of_trees_are_those_of_the_definition_in_chances(table, learner):
    X, y = table[0][NUMBERS], table[1]
    m = Pooled(estimator=learner).fit(X, y)
    B, few = X.iloc[:25], X.iloc[[40, 3]]
    found = shap_values(m, few, B, target="yes")
    assert (found.way, found.unit) == ("trees", "chance")
    assert np.allclose(found.values, by_definition(m.predict_proba, few, B)[:, :, 1], atol=1e-6)
    assert np.allclose(found.score, m.predict_proba(few)[:, 1])
    assert np.allclose(found.base + found.values.sum(axis=1), found.score, atol=1e-6)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_trees_of_values_and_boosted_trees_add_up(table, task):
    X, _ = table
    y = two_sites(task="regression")["ill"]
    y = y if task == "regression" else np.where(y > 0, "yes", "no")
    sites = np.where(np.arange(len(X)) < 120, "a", "b")
    forest = RandomForestRegressor(15, random_state=0)
    models = [BoostTransfer(task=task).fit(X, y, domain=sites, target="b")]
    if task == "regression":
        models += [
            Pooled(task=task, estimator=e).fit(X, y) for e in (forest, ForestLearner(task=task, trees=15))
        ]
    for m in models:
        found = shap_values(m, X.iloc[:5], X.iloc[:20])
        assert found.way == "trees"
        assert np.allclose(found.base + found.values.sum(axis=1), found.score, atol=1e-5)
        if task == "regression":
            assert np.allclose(found.score, m.predict(X.iloc[:5]), atol=1e-6)


def test_any_other_model_is_asked_by_orders_and_two_columns_are_exact(table):
    X, y = table[0][["colour", "x2"]].rename(columns={"x2": "level"}), table[1]
    m = Pooled(estimator=GaussianNB()).fit(X, y)
    B, few = X.iloc[:30], X.iloc[[40, 3, 77]]
    found = shap_values(m, few, B, target="yes")
    assert (found.way, found.unit) == ("orders", "chance")
    assert np.allclose(found.values, by_definition(m.predict_proba, few, B)[:, :, 1], atol=1e-6)
    three = table[0][["colour", "x1", "x2"]]
    m = Pooled(estimator=GaussianNB()).fit(three, y)
    found = shap_values(m, three.iloc[:3], three.iloc[:30], target="yes")
    truth = by_definition(m.predict_proba, three.iloc[:3], three.iloc[:30])[:, :, 1]
    assert np.allclose(found.values, truth, atol=1e-9) and not found.error.any()


def test_an_estimate_lies_about_the_truth_as_far_as_its_error_says(table):
    X, y = table
    m = Pooled(estimator=GaussianNB()).fit(X, y)
    B, few = X.iloc[:15], X.iloc[:2]
    truth = by_definition(m.predict_proba, few, B)[:, :, 1]
    off = []
    for seed in range(6):
        found = shap_values(m, few, B, target="yes", random_state=seed)
        assert np.allclose(found.base + found.values.sum(axis=1), m.predict_proba(few)[:, 1])
        off.append((found.values - truth) / found.error)
    assert 0.4 < np.median(np.abs(off)) < 1.2  # of Student's t with 9 degrees of freedom: 0.70


def test_blocks_enter_and_leave_together(table):
    X, y = table
    B, few = X.iloc[:30], X.iloc[:2]
    linear = Pooled().fit(X, y)
    apart = shap_values(linear, few, B, target="yes")
    found = shap_values(linear, few, B, target="yes", blocks=["skin", "blood", "blood", "skin"])
    assert found.columns == ["colour and 1 more", "x1 and 1 more"]
    assert np.allclose(found.values[:, 1], apart.values[:, 1] + apart.values[:, 2])
    other = Pooled(estimator=GaussianNB()).fit(X, y)
    found = shap_values(other, few, B, target="yes", blocks=["skin", "blood", "blood", "skin"])
    halves = [[0, 3], [1, 2]]

    def worth(row, own):
        mixed = B.copy()
        for j in own:
            mixed.isetitem(j, few.iloc[[row] * len(B), j].array)
        return other.predict_proba(mixed)[:, 1].mean()

    for row in range(2):
        a, b, both = worth(row, halves[0]), worth(row, halves[1]), worth(row, range(4))
        none = worth(row, [])
        assert found.values[row, 0] == pytest.approx((a - none + both - b) / 2, abs=1e-6)
    with pytest.raises(MedgraftError, match="2 names of blocks for 4 columns"):
        shap_values(other, few, B, blocks=["a", "b"])


def test_a_patient_with_many_background_rows_counts_once(table):
    X, y = table
    m = Pooled().fit(X, y)
    many = pd.concat([X.iloc[:10], *[X.iloc[[0]]] * 30], ignore_index=True)
    who = [*range(10), *[0] * 30]
    once = shap_values(m, X.iloc[:2], X.iloc[:10], target="yes")
    found = shap_values(m, X.iloc[:2], many, target="yes", group=who)
    assert np.allclose(found.base, once.base) and np.allclose(found.values, once.values)
    assert not np.allclose(shap_values(m, X.iloc[:2], many, target="yes").base, once.base)


def test_a_graft_is_explained_in_the_names_of_its_classes(tmp_path):
    frame = two_sites().drop(columns="site")
    cohort = read(frame, label="ill")
    m = Pooled().fit(cohort.X, cohort.y)
    save(tmp_path / "graft", m, cohort, {})
    graft = load(tmp_path / "graft")
    found = shap_values(graft, frame.iloc[:3], frame, target="yes")
    own = shap_values(m, cohort.X.iloc[:3], cohort.X, target=1)
    assert np.array_equal(found.values, own.values) and found.targets == ["yes"] * 3
    with pytest.raises(MedgraftError, match="no class 'yess' among no, yes.*Did you mean"):
        shap_values(graft, frame, frame, target="yess")
    with pytest.raises(MedgraftError, match="no background"):
        shap_values(m, cohort.X, cohort.X.iloc[:0])


def test_each_of_several_labels_has_values_of_its_own(table):
    X, y = table
    Y = np.column_stack([y == "yes", X["x3"] > 0]).astype(float)
    m = MultiLabel(Pooled()).fit(X, Y)
    found = shap_values(m, X.iloc[:3], X.iloc[:20], target=1)
    assert np.allclose(found.base + found.values.sum(axis=1), m.predict_proba(X.iloc[:3])[:, 1])
    assert np.abs(found.values).mean(axis=0).argmax() == 3  # x3 is the label


def test_columns_that_move_together_are_one_block():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(30, 10))
    X = pd.DataFrame(
        np.repeat(hidden, 20, axis=1) * rng.choice([-1, 1], 200) + 0.01 * rng.normal(size=(30, 200))
    )
    X.insert(0, "word", "a")
    block = blocks_of(X, None, most=31)
    assert block[0] == 0 and (block == 0).sum() == 1 and block.max() <= 30
    own = np.repeat(np.arange(10), 20)
    assert all(len(set(own[block[1:] == k])) == 1 for k in range(1, block.max() + 1))


@pytest.mark.slow
def test_twenty_thousand_columns_are_finished_in_blocks():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(60, 20_000)), columns=[f"cg{j}" for j in range(20_000)])
    y = np.where(X["cg5"] + X["cg6"] > 0, "old", "young")
    m = Pooled(estimator=GaussianNB()).fit(X, y)
    found = shap_values(m, X.iloc[:1], X, target="old")
    assert found.values.shape == (1, 64) and found.way == "orders"
    assert np.allclose(found.base + found.values.sum(axis=1), m.predict_proba(X.iloc[:1])[:, 0], atol=1e-6)
