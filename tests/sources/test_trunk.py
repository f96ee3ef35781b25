"""Networks as chains of blocks."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from medgraft.sources.trunk import Trunk


def chain():
    return nn.Sequential(
        OrderedDict(
            stem=nn.Conv2d(3, 4, 3),
            norm=nn.BatchNorm2d(4),
            act=nn.ReLU(),
            blocks=nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 6, 1)),
            pool=nn.AdaptiveAvgPool2d(1),
        )
    )


def test_layers_without_a_matrix_join_the_block_before_them():
    trunk = Trunk(chain(), (0.0,) * 3, (1.0,) * 3, 8).eval()
    assert trunk.blocks == [
        ("stem", ("stem", "norm", "act")),
        ("blocks.0", ("blocks.0",)),
        ("blocks.1", ("blocks.1", "pool")),
    ]


def test_a_network_that_is_no_chain_is_one_block():
    class Branched(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)

        def forward(self, x):
            return (self.a(x) + self.b(x)).mean(dim=(2, 3))

    trunk = Trunk(Branched(), (0.0,) * 3, (1.0,) * 3, 8).eval()
    images = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    assert [name for name, _ in trunk.blocks] == ["network"]
    assert torch.equal(trunk.suffix(trunk.prefix(images, 1), 1), trunk(images))


def test_pixels_are_normalised_as_the_formula_says():
    trunk = Trunk(chain(), (0.5, 0.25, 0.0), (0.5, 1.0, 2.0), 8)
    out = trunk.normalise(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)).flatten()
    assert torch.allclose(out, torch.tensor([1.0, 0.75, 0.5]))


def test_looking_for_blocks_changes_neither_mode_nor_statistics():
    trunk = Trunk(chain(), (0.0,) * 3, (1.0,) * 3, 8).train()
    before = {k: v.clone() for k, v in trunk.state_dict().items()}
    assert len(trunk.blocks) == 3
    assert trunk.net.training
    assert all(torch.equal(before[k], v) for k, v in trunk.state_dict().items())
