"""Adapters train few weights, and leave the network in its own shape."""

from __future__ import annotations

import copy

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.finetune.adapters import adapt, merge
from sources.test_network import network, step

IMAGES = torch.randint(0, 256, (5, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def adapted(adapter, rank=2, blocks=(1, 2)):
    net = network().eval()
    adapt(net, adapter, rank, blocks, seed=0)
    net.release(blocks)
    return net


def test_a_low_rank_change_is_nothing_at_the_start():
    before = network().eval()(IMAGES)
    assert torch.equal(adapted("lora").eval()(IMAGES), before)


def test_lora_trains_its_factors_alone_and_the_change_has_at_most_their_rank():
    net, was = adapted("lora"), network()
    trains = [name for name, p in net.trunk.named_parameters() if p.requires_grad]
    assert len(trains) == 4 and all(name.endswith((".A", ".B")) for name in trains)
    step(net)
    step(net)
    out = net.eval()(IMAGES)
    merge(net)
    assert torch.allclose(net(IMAGES), out, atol=1e-6)
    merged = net.trunk.net.state_dict()
    assert set(merged) == set(was.trunk.net.state_dict())
    for name, old in was.trunk.net.state_dict().items():
        new = merged[name]
        moved = name in ("blocks.0.weight", "blocks.1.weight")
        assert torch.equal(old, new) is not moved
        if moved:
            assert torch.linalg.matrix_rank((new - old).flatten(1), rtol=1e-3) <= 2


def test_bitfit_trains_biases_and_norms_alone():
    net, was = adapted("bitfit", blocks=(0, 1, 2)), network()
    step(net)
    merge(net)
    old = dict(was.trunk.net.named_parameters())
    moved = {n for n, p in net.trunk.net.named_parameters() if not torch.equal(p, old[n])}
    assert moved <= {"stem.bias", "norm.weight", "norm.bias", "blocks.0.bias", "blocks.1.bias"}
    assert {"norm.weight", "norm.bias", "blocks.1.bias"} <= moved
    assert torch.equal(net.trunk.net.norm.running_mean, was.trunk.net.norm.running_mean)


@pytest.mark.parametrize("adapter", ["lora", "bitfit"])
def test_a_copy_of_an_adapted_network_trains_its_own_weights(adapter):
    """The range test of the learning rate trains a copy."""
    net = adapted(adapter)
    twin = copy.deepcopy(net)
    twin.release((1, 2))
    own, theirs = ([n for n, p in one.named_parameters() if p.requires_grad] for one in (net, twin))
    assert own == theirs and any(name.startswith("trunk") for name in own)
    for block in (1, 2):
        weights = twin.block_weights(block)
        assert len(weights) == len(net.block_weights(block)) > 0
        assert {id(p) for p in weights} <= {id(p) for p in twin.parameters()}


@pytest.mark.parametrize(
    ("adapter", "rank", "why"),
    [("ia3", 2, "does not exist"), ("lora", 0, "out of range"), ("lora", 9, "matrix")],
)
def test_an_adapter_that_cannot_be_is_one_sentence(adapter, rank, why):
    with pytest.raises(MedgraftError, match=why):
        adapted(adapter, rank)
