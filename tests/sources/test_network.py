"""What trains and what does not."""

from __future__ import annotations

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.sources.network import Head, Network
from medgraft.sources.trunk import Trunk
from sources.test_trunk import chain


def network(batchnorm="frozen"):
    torch.manual_seed(0)
    return Network(Trunk(chain(), (0.0,) * 3, (1.0,) * 3, 8), Head(6, 2), batchnorm)


def step(net, first=0):
    images = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    net.train()
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    net.rest(net.trunk.prefix(images, first), first).square().mean().backward()
    optimizer.step()


def test_frozen_batchnorm_keeps_its_statistics_and_its_function():
    net = network()
    net.trunk.net.norm.running_mean.fill_(3.0)
    before = {k: v.clone() for k, v in net.trunk.net.norm.state_dict().items()}
    probe = torch.randn(4, 4, 5, 5)
    function = net.trunk.net.norm.eval()(probe)
    net.release(range(3))
    step(net)
    assert all(torch.equal(before[k], v) for k, v in net.trunk.net.norm.state_dict().items())
    assert not net.trunk.net.norm.training  # in training, too, it computes what it computes afterwards
    assert torch.equal(net.trunk.net.norm(probe), function)


def test_adapting_batchnorm_moves_in_released_blocks_only():
    for start, moves in ((0, True), (1, False)):
        net = network("adapt")
        net.release(range(start, 3))
        before = net.trunk.net.norm.running_mean.clone()
        step(net)
        assert torch.equal(before, net.trunk.net.norm.running_mean) is not moves


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_exactly_the_released_blocks_and_the_head_move(start):
    net = network()
    net.release(range(start, 3))
    before = {k: v.clone() for k, v in net.named_parameters()}
    step(net)
    moved = {k for k, v in net.named_parameters() if not torch.equal(before[k], v)}
    blocks = [
        {"stem.weight", "stem.bias"},
        {"blocks.0.weight", "blocks.0.bias"},
        {"blocks.1.weight", "blocks.1.bias"},
    ]
    expected = {f"trunk.net.{n}" for block in blocks[start:] for n in block}
    assert moved == expected | {"head.linear.weight", "head.linear.bias"}


def test_the_frozen_prefix_leaves_no_gradient_graph():
    net = network()
    net.release([2])
    images = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    assert not net.trunk.prefix(images, 2).requires_grad
    assert net(images).requires_grad


def test_the_head_standardises():
    head = Head(2, 1)
    with torch.no_grad():
        head.mean.copy_(torch.tensor([1.0, 2.0]))
        head.scale.copy_(torch.tensor([2.0, 4.0]))
        head.linear.weight.copy_(torch.tensor([[1.0, 10.0]]))
        head.linear.bias.fill_(0.5)
    assert head(torch.tensor([[3.0, 6.0]])).item() == 11.5


def test_an_unknown_policy_is_refused():
    with pytest.raises(MedgraftError, match="frozen, recompute, adapt"):
        network("melted")
