"""Statistics of other images."""

from __future__ import annotations

import torch

from medgraft.sources.batchnorm import recompute
from sources.test_network import network

IMAGES = torch.randint(0, 256, (20, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_the_statistics_are_those_of_the_layer_s_own_inputs():
    trunk = network().trunk
    weights = {k: v.clone() for k, v in trunk.state_dict().items() if "running" not in k and "num_" not in k}
    momentum = trunk.net.norm.momentum
    assert recompute(trunk, lambda i: IMAGES[i], 20) == 1
    inputs = trunk.net.stem(trunk.normalise(IMAGES))
    assert torch.allclose(trunk.net.norm.running_mean, inputs.mean(dim=(0, 2, 3)), atol=1e-4)
    assert torch.allclose(trunk.net.norm.running_var, inputs.var(dim=(0, 2, 3)), rtol=1e-4)
    assert all(torch.equal(v, trunk.state_dict()[k]) for k, v in weights.items())
    assert trunk.net.norm.momentum == momentum and not trunk.training


def test_batches_count_alike_and_one_image_is_no_batch():
    trunk = network().trunk
    many = IMAGES.repeat(4, 1, 1, 1)[:65]  # 64 and one
    recompute(trunk, lambda i: many[i], 65)
    inputs = trunk.net.stem(trunk.normalise(many[:64]))
    assert torch.allclose(trunk.net.norm.running_mean, inputs.mean(dim=(0, 2, 3)), atol=1e-4)
    before = trunk.net.norm.running_mean.clone()
    assert recompute(trunk, lambda i: IMAGES[i], 1) == 0
    assert torch.equal(trunk.net.norm.running_mean, before)
