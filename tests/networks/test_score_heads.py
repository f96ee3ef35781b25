from __future__ import annotations

import numpy as np
import torch
from torch import nn

from medgraft.networks.score_heads import LearnerHead, LinearHead, NetworkHead


def test_a_linear_head_is_the_product_with_its_weights_and_is_frozen():
    rng = np.random.default_rng(0)
    W, b, X = rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(4, 5))
    head = LinearHead(W, b)
    assert not any(p.requires_grad for p in head.parameters())
    np.testing.assert_allclose(head(torch.from_numpy(X).float()).numpy(), X @ W.T + b, atol=1e-5)


def test_steps_from_stage_to_stage_become_log_chances_of_the_stages():
    steps = torch.tensor([[2.0, -1.0]])
    out = NetworkHead(nn.Identity(), 1.0, stages=True)(steps)
    first, second = 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(1.0))
    by_hand = [1 - first, first * (1 - second), first * second]
    np.testing.assert_allclose(out.exp().numpy(), [by_hand], rtol=1e-5)


def test_a_learner_without_a_gradient_gives_logs_of_its_chances_and_none_is_infinite():
    head = LearnerHead(lambda Z: np.tile([1.0, 0.0], (len(Z), 1)), logarithm=True)
    out = head(torch.zeros(2, 3))
    assert out.shape == (2, 2) and torch.isfinite(out).all()
    assert out[0, 0] == 0 and out[0, 1] < -20
