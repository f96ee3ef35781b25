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


def test_batches_are_of_one_size_and_hold_images_from_all_over_the_order():
    trunk = network().trunk
    dark_first = torch.cat([IMAGES // 4, IMAGES, IMAGES // 4, IMAGES])[:66].sort(dim=0).values
    recompute(trunk, lambda i: dark_first[i], 66)
    inputs = trunk.net.stem(trunk.normalise(dark_first))
    assert torch.allclose(trunk.net.norm.running_mean, inputs.mean(dim=(0, 2, 3)), atol=1e-4)
    assert torch.allclose(trunk.net.norm.running_var, inputs.var(dim=(0, 2, 3)), rtol=0.02)


def test_an_odd_number_of_images_leaves_none_out_and_one_image_changes_nothing():
    trunk = network().trunk
    seen = []
    recompute(trunk, lambda i: seen.append(i) or IMAGES[i % 20], 65)
    assert sorted(seen) == list(range(65))
    before = trunk.net.norm.running_mean.clone()
    assert recompute(trunk, lambda i: IMAGES[i], 1) == 0
    assert torch.equal(trunk.net.norm.running_mean, before)
