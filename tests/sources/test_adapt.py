"""Channels."""

from __future__ import annotations

import torch
from torch import nn

from medgraft.sources.adapt import adapt_channels, adapt_norm


def test_one_channel_answers_a_grey_image_as_three_equal_channels_did():
    conv = nn.Conv2d(3, 5, 3, bias=False)
    grey = torch.rand(2, 1, 9, 9)
    three = conv(grey.expand(-1, 3, -1, -1))
    one = nn.functional.conv2d(grey, adapt_channels(conv.weight, 1))
    assert torch.allclose(one, three, atol=1e-6)


def test_four_channels_take_the_old_ones_in_turn_at_three_quarters():
    weight = torch.arange(3.0).view(1, 3, 1, 1)
    assert adapt_channels(weight, 4).flatten().tolist() == [0.0, 0.75, 1.5, 0.0]


def test_timm_adapts_by_the_same_rule():
    from timm.models import adapt_input_conv

    weight = torch.randn(4, 3, 3, 3)
    for channels in (1, 3, 4, 6):
        assert torch.allclose(adapt_channels(weight, channels), adapt_input_conv(channels, weight), atol=1e-6)


def test_the_same_number_of_channels_changes_nothing():
    weight = torch.randn(4, 3, 3, 3)
    assert adapt_channels(weight, 3) is weight
    assert adapt_norm((0.1, 0.2, 0.3), 3) == (0.1, 0.2, 0.3)
