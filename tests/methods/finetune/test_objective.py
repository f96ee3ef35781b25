"""Losses against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.finetune.objective import make_loss

Y = np.array([0, 0, 0, 1, 2, 0])
W = np.array([1.0, 1.0, 2.0, 1.0, 1.0, 2.0])
SCORES = np.random.default_rng(0).normal(size=(6, 3))


def of(name, scores=SCORES, k=3):
    target = torch.from_numpy(Y) if k else torch.from_numpy(Y.astype(np.float32))
    return make_loss(name, Y, W, k)(torch.from_numpy(scores), target).numpy()


def log_p(scores):
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def test_the_plain_loss_is_the_log_loss_and_for_values_the_square():
    assert of("auto") == pytest.approx(-log_p(SCORES)[np.arange(6), Y], rel=1e-5)
    assert of("auto", SCORES[:, :1], k=0) == pytest.approx((SCORES[:, 0] - Y) ** 2, rel=1e-5)


def test_the_focal_loss_counts_what_is_known_well_by_the_square_of_the_doubt():
    own = log_p(SCORES)[np.arange(6), Y]
    assert of("focal") == pytest.approx(-((1 - np.exp(own)) ** 2) * own, rel=1e-5)


def test_the_logit_adjusted_loss_adds_the_log_shares_of_the_weighted_classes():
    share = np.array([6.0, 1.0, 1.0]) / 8
    assert of("logit-adjusted") == pytest.approx(-log_p(SCORES + np.log(share))[np.arange(6), Y], rel=1e-5)


def test_the_smooth_loss_gives_a_tenth_to_all_classes():
    target = 0.9 * np.eye(3)[Y] + 0.1 / 3
    assert of("smooth") == pytest.approx(-(target * log_p(SCORES)).sum(axis=1), rel=1e-5)


@pytest.mark.parametrize(("name", "k", "why"), [("hinge", 3, "does not exist"), ("focal", 0, "values")])
def test_a_loss_that_cannot_be_is_one_sentence(name, k, why):
    with pytest.raises(MedgraftError, match=why):
        make_loss(name, Y, W, k)
