from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from medgraft.base import MedgraftError
from medgraft.networks.inception_time import InceptionModule, inception_time


def test_it_has_the_weights_of_the_published_layers():
    """Counted by hand; LITE (doi:10.1109/DSAA60987.2023.10302569) calls its 9,814 weights 2.34 % of them."""
    branches = 32 * 32 * (40 + 20 + 10)
    first = 32 * (40 + 20 + 10) + 32 + 2 * 128  # one channel: no bottleneck
    later = 128 * 32 + branches + 128 * 32 + 2 * 128
    shortcuts = (128 + 2 * 128) + (128 * 128 + 2 * 128)
    count = sum(p.numel() for p in inception_time(channels=1, samples=100).parameters())
    assert count == first + 5 * later + shortcuts == 420_192
    assert f"{9_814 / count:.2%}" == "2.34%"


def test_a_module_is_its_branches_side_by_side():
    torch.manual_seed(0)
    module = InceptionModule(5, 3, (4, 2)).eval()
    x = torch.randn(2, 5, 12)
    narrow = functional.conv1d(x, module.bottleneck.weight)
    sides = [
        functional.conv1d(narrow, branch.conv.weight, padding="same") for branch in module.branches
    ]  # PyTorch's own padding
    highest = torch.stack(
        [functional.pad(x, (1, 1), value=-torch.inf)[:, :, i : i + 12] for i in range(3)]
    ).amax(0)
    sides.append(functional.conv1d(highest, module.pooled.conv.weight))
    expected = functional.relu(torch.cat(sides, dim=1) / (1 + 1e-5) ** 0.5)
    assert torch.allclose(module(x), expected, atol=1e-6)


def test_past_every_third_module_goes_the_input():
    torch.manual_seed(0)
    net = inception_time(channels=2, samples=30, filters=4).eval()
    x = torch.randn(3, 2, 30)
    h = x
    for block in (net.block1, net.block2):
        y = h
        for module in block.inceptions:
            y = module(y)
        assert len(block.inceptions) == 3
        h = functional.relu(y + functional.conv1d(h, block.shortcut.conv.weight) / (1 + 1e-5) ** 0.5)
    assert torch.allclose(net(x), h.mean(dim=2), atol=1e-5)


@pytest.mark.parametrize("depth", [0, 4])
def test_a_depth_that_is_no_multiple_of_three_is_told(depth):
    with pytest.raises(MedgraftError, match=f"depth={depth} does not fit"):
        inception_time(channels=1, samples=10, depth=depth)
