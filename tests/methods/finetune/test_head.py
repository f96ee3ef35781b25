"""The first stage."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.finetune.head import class_weights, fit_head, scaling
from medgraft.methods.learner import default_learner


def data(k, n=90, d=6):
    rng = np.random.default_rng(0)
    y = np.arange(n) % max(k, 1)
    F = rng.normal(size=(n, d)) * np.arange(1, d + 1) + 5
    F[:, :2] += 2 * np.stack([y, -y], axis=1)
    return F, y


def test_every_class_weighs_the_same():
    y = np.array([0, 0, 0, 1, 2, 2])
    w = class_weights(y, 3, np.array([1.0, 1, 2, 1, 1, 1]))
    assert [w[y == c].sum() for c in range(3)] == pytest.approx([2.0, 2.0, 2.0])
    assert w[2] == 2 * w[0]


@pytest.mark.parametrize("k", [2, 3])
def test_the_linear_layer_scores_as_the_learner_does(k):
    F, y = data(k)
    mean, scale, weight, bias = fit_head(F, y, np.ones(90), np.arange(90), k, 0)
    truth = (
        default_learner().fit((F - mean) / scale, y, groups=np.arange(90)).predict_proba((F - mean) / scale)
    )
    scores = np.exp((F - mean) / scale @ weight.T + bias)
    assert weight.shape == (k, 6)
    assert np.allclose(scores / scores.sum(axis=1, keepdims=True), truth, atol=1e-9)


def test_values_get_one_linear_output():
    F, _ = data(1)
    y = F @ np.arange(6.0) + 3
    mean, scale, weight, bias = fit_head(F, y, np.ones(90), np.arange(90), 0, 0)
    assert np.allclose(((F - mean) / scale @ weight.T + bias)[:, 0], y, atol=0.2)


def test_a_class_absent_from_training_gets_little_probability():
    F, y = data(2)
    mean, scale, weight, bias = fit_head(F, 2 * y, np.ones(90), np.arange(90), 3, 0)
    scores = np.exp((F - mean) / scale @ weight.T + bias)
    p = scores / scores.sum(axis=1, keepdims=True)
    assert np.isfinite(p).all()
    assert p[:, 1].max() < 0.5


def test_scaling_follows_the_weights_and_has_a_floor():
    F = np.array([[0.0, 1.0, 7.0], [4.0, 1.0, 7.0], [100.0, 1.0, 7.0]])
    mean, scale = scaling(F, np.array([1.0, 1.0, 0.0]))
    assert mean.tolist() == [2.0, 1.0, 7.0]
    assert scale[0] == 2.0
    assert scale[1] == scale[2] == pytest.approx(0.1 * 2.0 / np.sqrt(3))
    assert (scaling(np.ones((3, 2)), np.ones(3))[1] == 1.0).all()
