"""TrAdaBoost against a plain loop over the paper's steps."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from medgraft.methods.instance.boosting import Boosted, Vote
from medgraft.methods.instance.tradaboost import TrAdaBoost, boost
from medgraft.methods.table import InputError


def rows(n=60, m=25, seed=0, depth=2):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n + m, 3))
    y = (Z[:, 0] + 0.7 * rng.normal(size=n + m) > 0).astype(int)
    y[: n // 2] = 1 - y[: n // 2]
    target = np.arange(n + m) >= n
    return Boosted(Z, y, np.ones(n + m), target, np.arange(n + m), DecisionTreeClassifier(max_depth=depth))


def naive(r, rounds):
    """One patient at a time, as the paper writes it."""
    n, m = int((~r.target).sum()), int(r.target.sum())
    beta = 1 / (1 + np.sqrt(2 * np.log(n) / rounds))
    w = [1.0] * (n + m)
    kept, logs = [], []
    for _ in range(rounds):
        tree = DecisionTreeClassifier(max_depth=2).fit(r.Z, r.y, sample_weight=np.array(w) / sum(w))
        h = tree.predict_proba(r.Z)[:, 1]
        error = sum(w[i] * abs(h[i] - r.y[i]) for i in range(n, n + m)) / sum(w[n:])
        assert 0 < error < 0.5
        beta_t = error / (1 - error)
        for i in range(n + m):
            w[i] *= beta ** abs(h[i] - r.y[i]) if i < n else beta_t ** -abs(h[i] - r.y[i])
        kept.append(tree)
        logs.append(np.log(1 / beta_t))
    return kept, np.array(logs), np.array(w)


def test_rounds_and_votes_are_those_of_a_plain_loop():
    r = rows()
    vote, w, errors = boost(r, 6)
    kept, logs, weights = naive(r, 6)
    assert len(errors) == 6
    np.testing.assert_allclose(vote.weights, logs[3:], rtol=1e-9)
    np.testing.assert_allclose(w / w.max(), weights / weights.max(), rtol=1e-9)
    new = np.random.default_rng(5).normal(size=(30, 3))
    share = (
        sum(a * t.predict_proba(new)[:, 1] for a, t in zip(logs[3:], kept[3:], strict=True)) / logs[3:].sum()
    )
    np.testing.assert_allclose(vote.predict_proba(new)[:, 1], share, rtol=1e-9)
    # The paper's product form of the decision.
    left = np.prod(
        [np.exp(a * t.predict_proba(new)[:, 1]) for a, t in zip(logs[3:], kept[3:], strict=True)], axis=0
    )
    np.testing.assert_array_equal(vote.predict(new) == 1, left > np.exp(0.5 * logs[3:].sum()))


def test_a_perfect_round_counts_as_half_a_row_of_error():
    r = rows(depth=None)
    _, _, errors = boost(r, 3)
    vote, *_ = boost(r, 2)
    assert errors[0] == 0
    np.testing.assert_allclose(vote.weights, np.log((1 - 0.5 / 25) / (0.5 / 25)))


def test_rounds_end_where_the_target_is_no_better_than_a_coin():
    r = rows(n=600, m=10)
    r.y[~r.target] = (r.Z[~r.target, 0] < 0).astype(int)
    r.y[r.target] = (r.Z[r.target, 0] > 0).astype(int)
    vote, _, errors = boost(r, 10)
    assert errors[-1] >= 0.5 and len(errors) < 10
    assert len(vote.learners) >= 1
    assert np.isfinite(vote.predict_proba(r.Z)).all()


def test_source_rows_of_another_rule_lose_weight_and_target_rows_do_not():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = np.where(np.arange(300) < 120, X[:, 0] < 0, X[:, 0] > 0)
    site = np.array(["a"] * 240 + ["t"] * 60)
    m = TrAdaBoost().fit(X, y, domain=site, target="t", labelled=np.arange(300) < 290)
    assert np.median(m.weights_[:120]) < 0.01 * np.median(m.weights_[120:240])  # all but those at the border
    assert (m.weights_[290:] == 0).all()


def test_codes_of_classes_come_back_in_the_callers_order():
    vote = Vote([DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1])], np.array([1.0]), np.array([1, 0]))
    assert vote.classes_.tolist() == [0, 1]
    assert vote.predict(np.array([[0.0], [1.0]])).tolist() == [1, 0]
    assert vote.predict_proba(np.array([[0.0]])).tolist() == [[0.0, 1.0]]


def test_three_classes_and_too_few_rounds_are_refused():
    X, site = np.arange(9.0)[:, None], ["a"] * 6 + ["t"] * 3
    with pytest.raises(InputError, match="Only binary"):
        TrAdaBoost().fit(X, [0, 1, 2] * 3, domain=site, target="t")
    with pytest.raises(InputError, match="rounds"):
        TrAdaBoost(rounds=1).fit(X, [0, 1, 1] * 3, domain=site, target="t")
