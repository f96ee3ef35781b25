"""Penalties against their formulas."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.objective import make_loss
from medgraft.methods.finetune.penalties import make_penalty
from medgraft.sources.network import Head
from sources.test_network import network

IMAGES = torch.randint(0, 256, (12, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
Y = np.arange(12) % 2
LOSS = make_loss("auto", Y, np.ones(12), 2)


@pytest.fixture
def net():
    made = network().eval()
    made.release([1, 2])
    return made


def batches():
    return Batches(Live(lambda i: IMAGES[i], 12, False, 1), np.arange(12), Y, np.ones(12), 4, 0)


def test_l2_sp_adds_the_distance_from_the_start_to_the_gradient_of_released_weights(net):
    penalty = make_penalty("l2-sp", 0.3)
    start = copy.deepcopy(net)
    penalty.begin(net, 1, batches(), LOSS)
    with torch.no_grad():
        for weight in net.trunk.parameters():
            weight.add_(0.5)
    for weight in net.parameters():
        weight.grad = torch.zeros_like(weight)
    penalty.add_gradient(net)
    was = dict(start.trunk.net.named_parameters())
    for name, weight in net.trunk.net.named_parameters():
        expected = 0.3 * (weight - was[name]) if name.startswith("blocks") else torch.zeros_like(weight)
        assert torch.allclose(weight.grad, expected, atol=1e-6)
    assert all(not weight.grad.any() for weight in net.head.parameters())


def test_bss_is_the_square_of_the_least_singular_value_of_the_batch():
    features = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
    got = make_penalty("bss", 2.0).of_batch(features, 0, features, features)
    assert float(got) == pytest.approx(2.0 * np.linalg.svd(features.numpy())[1][-1] ** 2, rel=1e-5)


def test_delta_is_nothing_at_the_start_and_the_weighted_distance_of_the_maps_later(net):
    penalty = make_penalty("delta", 0.7)
    old = copy.deepcopy(net)
    penalty.begin(net, 1, batches(), LOSS)
    x = net.trunk.prefix(IMAGES, 1)
    _, maps, features = net.rest_with_map(x, 1)
    assert not penalty.of_batch(x, 1, maps, features).any()
    with torch.no_grad():
        for weight in net.trunk.net.blocks.parameters():
            weight.add_(0.1)
    _, maps, features = net.rest_with_map(x, 1)
    was = old.trunk.net.blocks(x)
    # The head's loss with one feature put out, by the paper's definition, on all twelve images.
    base = was.mean(dim=(2, 3))
    losses = []
    for j in range(6):
        out = base.clone()
        out[:, j] = 0
        losses.append(torch.nn.functional.cross_entropy(old.head(out), torch.from_numpy(Y)))
    omega = torch.softmax(torch.stack(losses), dim=0)
    expected = 0.5 * 0.7 * (((maps - was) ** 2).sum(dim=(2, 3)) * omega).sum(dim=1)
    got = penalty.of_batch(x, 1, maps, features)
    assert torch.allclose(got, expected, rtol=1e-4)
    got.sum().backward()
    assert all(p.grad is None for p in penalty.old.parameters())


STAGES = np.arange(12) % 3
ANSWERS = np.where(np.arange(24).reshape(12, 2) % 5 == 0, np.nan, np.arange(24).reshape(12, 2) % 3 == 0)


@pytest.mark.parametrize(
    ("name", "y", "k"), [("ordinal", STAGES, 3), ("auto", ANSWERS, 2), ("focal", Y, 2), ("auto", Y / 2, 0)]
)
def test_delta_weighs_channels_by_the_loss_that_is_trained(net, name, y, k):
    net.head = Head(6, {3: 2, 0: 1}.get(k, 2))
    loss = make_loss(name, y, np.ones(12), k)
    images = Live(lambda i: IMAGES[i], 12, False, 1)
    penalty = make_penalty("delta", 1.0)
    penalty.begin(net, 1, Batches(images, np.arange(12), y, np.ones(12), 4, 0), loss)
    targets = torch.from_numpy(y) if y.dtype.kind == "i" else torch.from_numpy(y).float()
    losses = []
    with torch.no_grad():
        for j in range(6):
            out = net.trunk(IMAGES)
            out[:, j] = 0
            losses.append(loss(net.head(out), targets).mean())
    assert torch.allclose(penalty.omega, torch.softmax(torch.stack(losses), dim=0), rtol=1e-4)


def test_a_strength_below_zero_is_the_paper_s_and_an_unknown_penalty_is_one_sentence():
    assert [make_penalty(name, -1.0).strength for name in ("l2-sp", "delta", "bss")] == [0.1, 0.01, 0.001]
    with pytest.raises(MedgraftError, match="use one of none, l2-sp"):
        make_penalty("l3", 1.0)
