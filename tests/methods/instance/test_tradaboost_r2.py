"""TrAdaBoost.R2, in one stage and in two, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from medgraft.methods.instance import tradaboost_r2 as module
from medgraft.methods.instance.boosting import Boosted, weighted_median
from medgraft.methods.instance.tradaboost_r2 import (
    TrAdaBoostR2,
    TwoStageTrAdaBoostR2,
    boost_r2,
    losses,
    stages,
)
from medgraft.methods.table import InputError


def rows(n=60, m=25, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n + m, 3))
    y = Z[:, 0] + 0.5 * rng.normal(size=n + m)
    y[: n // 2] *= -1
    return Boosted(
        Z, y, np.ones(n + m), np.arange(n + m) >= n, np.arange(n + m), DecisionTreeRegressor(max_depth=2)
    )


def test_rounds_are_those_of_a_plain_loop():
    r, rounds = rows(), 6
    n, m = 60, 25
    beta = 1 / (1 + np.sqrt(2 * np.log(n) / rounds))
    w, kept, logs = [1.0] * (n + m), [], []
    for _ in range(rounds):
        tree = DecisionTreeRegressor(max_depth=2).fit(r.Z, r.y, sample_weight=np.array(w) / sum(w))
        off = np.abs(tree.predict(r.Z) - r.y)
        e = off / off.max()
        error = sum(w[i] * e[i] for i in range(n, n + m)) / sum(w[n:])
        assert 0 < error < 0.5
        beta_t = error / (1 - error)
        for i in range(n + m):
            w[i] *= beta ** e[i] if i < n else beta_t ** -e[i]
        kept.append(tree)
        logs.append(np.log(1 / beta_t))
    vote, found, errors = boost_r2(r, r.weight, rounds)
    assert len(errors) == rounds
    np.testing.assert_allclose(vote.weights, logs[3:], rtol=1e-9)
    np.testing.assert_allclose(found / found.max(), np.array(w) / max(w), rtol=1e-9)
    new = np.random.default_rng(5).normal(size=(30, 3))
    each = [[(t.predict(x[None])[0], a) for t, a in zip(kept[3:], logs[3:], strict=True)] for x in new]
    by_hand = []
    for pairs in each:
        total = 0.0
        for value, a in sorted(pairs):
            total += a
            if total >= 0.5 * sum(logs[3:]):
                by_hand.append(value)
                break
    np.testing.assert_allclose(vote.predict(new), by_hand, rtol=1e-12)


def test_the_weighted_median_is_the_smallest_value_at_half_the_weight():
    values = np.array([[5.0, 1.0, 3.0]])
    assert weighted_median(values, np.array([1.0, 1.0, 1.0])).tolist() == [3.0]
    assert weighted_median(values, np.array([1.0, 3.0, 1.0])).tolist() == [1.0]
    assert weighted_median(values, np.array([4.0, 1.0, 1.0])).tolist() == [5.0]
    assert weighted_median(values, np.array([0.0, 2.0, 2.0])).tolist() == [1.0]


def test_each_stage_has_the_share_of_the_target_that_the_paper_asks_for():
    r = rows()
    q = 25 / 85
    for s, w in enumerate(stages(r, 6)):
        assert w.sum() == pytest.approx(1.0)
        assert w[r.target].sum() == pytest.approx(q + s / 5 * (1 - q), abs=1e-9)
        np.testing.assert_allclose(w[r.target], w[r.target][0])


def test_a_stage_lowers_source_weights_by_their_loss():
    r = rows()
    first, second = stages(r, 6)[:2]
    loss = losses(r.fit(first), r, first)[~r.target]
    ratio = np.log((second[~r.target] / second[r.target][0]) / (first[~r.target] / first[r.target][0]))
    np.testing.assert_allclose(ratio, loss * (ratio / loss)[np.argmax(loss)], atol=1e-9)
    assert ratio.min() < 0


def test_with_the_source_held_its_share_stays():
    r = rows()
    w = stages(r, 4)[1]
    _, last, _ = boost_r2(r, w, 5, hold_source=True)
    np.testing.assert_allclose(last[~r.target] / last.sum(), w[~r.target], rtol=1e-9)


def upside_down(flipped):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(260, 2))
    y = np.where(np.arange(260) < flipped, -1, 1) * X[:, 0] + 0.1 * rng.normal(size=260)
    return X, y, {"domain": ["a"] * 200 + ["t"] * 60, "target": "t"}


def test_two_stages_drop_a_source_that_is_all_wrong_and_keep_one_that_is_right():
    X, y, site = upside_down(200)
    wrong = TwoStageTrAdaBoostR2(task="regression", rounds=5).fit(X, y, **site)
    X, y, site = upside_down(0)
    right = TwoStageTrAdaBoostR2(task="regression", rounds=5).fit(X, y, **site)
    assert wrong.step_ == 9
    assert wrong.weights_[:200].max() == 0
    assert right.step_ < 5


def test_source_rows_of_another_rule_lose_weight():
    X, y, site = upside_down(100)
    m = TrAdaBoostR2(task="regression").fit(X, y, **site)
    off = np.abs(X[:100, 0]) > 1
    assert m.weights_[:100][off].mean() < 0.5 * m.weights_[100:200].mean()


@pytest.mark.parametrize("both", [30, 60, 260])
def test_source_rows_of_a_held_out_patient_are_held_out_too(monkeypatch, both):
    X, y, site = upside_down(0)
    patient = np.arange(260)
    patient[: min(both, 200)] = 200 + np.arange(min(both, 200)) % 60
    seen = []

    def spy(rest, *more, **settings):
        seen.append(rest)
        return boost_r2(rest, *more, **settings)

    monkeypatch.setattr(module, "boost_r2", spy)
    m = TwoStageTrAdaBoostR2(task="regression", rounds=3, steps=3)
    m.fit(X, y, **site, groups=[f"p{i:03d}" for i in patient])
    *inner, last = seen
    assert len(inner) == 15
    for rest in inner:
        known = set(rest.units[rest.target].tolist())
        assert len(known) == 48
        held = set(last.units[last.target].tolist()) - known
        assert not held & set(rest.units.tolist())
        assert (~rest.target).sum() < (~last.target).sum()


def test_a_source_of_one_held_out_patient_may_leave_nothing_to_hold():
    X, y, site = upside_down(0)
    groups = np.where(np.arange(260) < 200, 200, np.arange(260))
    m = TwoStageTrAdaBoostR2(task="regression", rounds=3, steps=3).fit(X, y, **site, groups=groups)
    assert np.isfinite(m.step_errors_).all()


@pytest.mark.parametrize("settings", [{"rounds": 1}, {"steps": 1}])
def test_one_round_or_step_is_no_boosting(settings):
    X, y, site = upside_down(100)
    with pytest.raises(InputError, match="at least 2"):
        TwoStageTrAdaBoostR2(task="regression", **settings).fit(X, y, **site)
