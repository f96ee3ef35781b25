"""The gradient of a batch, and what the batches of an epoch add up to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.groups import make_policy
from medgraft.methods.finetune.head import class_weights
from medgraft.methods.finetune.loop import Recipe
from medgraft.methods.finetune.objective import make_loss
from medgraft.methods.finetune.penalties import Penalty
from medgraft.methods.finetune.step import Step
from sources.test_network import network

IMAGES = torch.randint(0, 256, (20, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
Y = (np.arange(20) >= 17).astype(np.int64)  # three of twenty: some batches of four have none, some have one
WEIGHT = class_weights(Y, 2, np.ones(20))


class OfEach(Penalty):
    """Some number of each image, which its weight multiplies too."""

    def of_batch(self, x, first, maps, features):
        return features.square().sum(dim=1)


@pytest.fixture
def net():
    made = network().eval()
    made.release(range(3))
    return made


def recipe(**changes):
    policy = make_policy(
        ["a", "b", "c"], unfreeze=1.0, gradual=0.0, epochs=1, lr=1.0, lr_decay=1.0, head_lr=1.0
    )
    return replace(Recipe(policy, make_loss("auto", Y, WEIGHT, 2), Penalty(0.0), 1, 1), **changes)


@pytest.mark.parametrize("cores", [True, False])
@pytest.mark.parametrize("penalty", [Penalty(0.0), OfEach(1.0)])
def test_an_epoch_of_equal_batches_minimises_the_weighted_mean_over_all_rows(net, penalty, cores):
    """With balanced weights each class has half of the gradient, whatever the batches hold."""
    fit = Batches(Live(lambda i: IMAGES[i], 20, False, 1), np.arange(20), Y, 7.0 * WEIGHT, 4, 0)
    weights = [p for p in net.parameters() if p.requires_grad]
    mean, losses = [torch.zeros_like(p) for p in weights], []
    with ThreadPoolExecutor(1) as workers:
        step = Step(net, recipe(penalty=penalty), 0, workers if cores else None)
        for batch in fit:
            net.zero_grad()
            losses.append(step.gradient(batch, np.random.default_rng(0)))
            mean = [m + p.grad / len(fit) for m, p in zip(mean, weights, strict=True)]
    _, maps, features = net.rest_with_map(IMAGES.float(), 0)
    each = torch.nn.functional.cross_entropy(net.head(features), torch.from_numpy(Y), reduction="none")
    each = each + penalty.of_batch(IMAGES, 0, maps, features)
    w = torch.from_numpy(WEIGHT).float()
    expected = (w * each).sum() / w.sum()
    assert np.mean(losses) == pytest.approx(float(expected.detach()), rel=1e-4)
    for m, grad in zip(mean, torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(m, grad, rtol=1e-3, atol=1e-5)


def test_mixed_images_weigh_as_much_as_the_two_they_are_made_of(net):
    """One image of weight 2 mixed with itself: twice its loss."""
    x, y, w = IMAGES[:1].float(), torch.tensor([1]), torch.tensor([2.0])
    plain = Step(net, recipe(), 0).gradient((x, y, w), np.random.default_rng(0))
    mixed = Step(net, recipe(mix="mixup"), 0).gradient((x, y, w), np.random.default_rng(0))
    assert mixed == pytest.approx(plain, rel=1e-5)
    once = Step(net, recipe(), 0).gradient((x, y, w / 2), np.random.default_rng(0))
    assert plain == pytest.approx(2 * once, rel=1e-5)
