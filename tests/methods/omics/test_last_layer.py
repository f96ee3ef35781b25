from __future__ import annotations

import copy

import numpy as np
import pytest

from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.omics.last_layer import move_last_layer

rng = np.random.default_rng(0)
H, W0, B = rng.normal(size=(60, 5)), rng.normal(size=(3, 5)), rng.normal(size=3)
WEIGHT = rng.uniform(0.5, 2.0, size=60)


def labels(task):
    score = H @ [1.0, -1.0, 2.0, 0.0, 0.5] + np.random.default_rng(1).normal(size=60)
    return (
        10 + 3 * score if task == "regression" else np.digitize(score, [0.0] if task == "binary" else [-1, 1])
    )


def fitted(task):
    head = RidgeLearner(penalties=[2.0]) if task == "regression" else LogisticLearner(penalties=[2.0])
    return head.fit(H @ W0.T + B, labels(task), WEIGHT)


def objective(task, W, head, pull):
    """Written out row by row."""
    y, total = labels(task), 0.0
    mean = np.average(labels(task), weights=WEIGHT)
    unit = np.average((y - mean) ** 2, weights=WEIGHT) if task == "regression" else 1.0
    coef, start = np.atleast_2d(head.coef_), np.atleast_1d(head.intercept_)
    for h, value, w in zip(H, y, WEIGHT, strict=True):
        eta = coef @ (W @ h + B) + start
        if task == "regression":
            total += w * 0.5 * (eta[0] - value) ** 2
        else:
            scores = np.r_[0.0, eta] if task == "binary" else eta
            total += w * (np.log(np.exp(scores).sum()) - scores[value])
    return (total + 0.5 * head.penalty_ * (coef**2).sum()) / unit + 0.5 * pull * ((W - W0) ** 2).sum()


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_it_ends_where_no_small_step_of_layer_or_head_lowers_the_objective(task):
    head, before = fitted(task), fitted(task)
    W = move_last_layer(H, (W0, B), head, labels(task), WEIGHT, 1.0)
    value = objective(task, W, head, 1.0)
    assert value < objective(task, W0, before, 1.0) - 0.1
    for j in range(12):
        step = np.random.default_rng(j)
        moved = copy.deepcopy(head)
        moved.coef_ = head.coef_ + 1e-3 * step.normal(size=np.shape(head.coef_))
        moved.intercept_ = head.intercept_ + 1e-3 * step.normal(size=np.shape(head.intercept_))
        assert objective(task, W + 1e-3 * step.normal(size=W.shape), moved, 1.0) > value


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_strong_pull_leaves_layer_and_head_where_they_were(task):
    head, before = fitted(task), fitted(task)
    W = move_last_layer(H, (W0, B), head, labels(task), WEIGHT, 1e9)
    np.testing.assert_allclose(W, W0, atol=1e-5)
    np.testing.assert_allclose(head.coef_, before.coef_, rtol=1e-3)


def test_inputs_are_left_as_they_were_and_units_of_y_do_not_matter():
    given = copy.deepcopy((H, W0, B, WEIGHT))
    one, other = fitted("regression"), RidgeLearner(penalties=[2.0])
    y = labels("regression")
    other.fit(H @ W0.T + B, 7 * y - 3, WEIGHT)
    W = move_last_layer(H, (W0, B), one, y, WEIGHT, 1.0)
    V = move_last_layer(H, (W0, B), other, 7 * y - 3, WEIGHT, 1.0)
    for now, then in zip((H, W0, B, WEIGHT), given, strict=True):
        np.testing.assert_array_equal(now, then)
    # The head's penalty is in units of y, too, and a head seven times as steep is penalised as one of 1 / 7.
    first = one.intercept_ + (H @ W.T + B) @ one.coef_
    second = other.intercept_ + (H @ V.T + B) @ other.coef_
    np.testing.assert_allclose(7 * first - 3, second, atol=1e-2 * 7 * y.std())
