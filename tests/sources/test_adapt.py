"""Channels and sizes."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from medgraft.base import MedgraftError
from medgraft.sources import Pretrained
from medgraft.sources.adapt import adapt_channels, adapt_norm, adapt_places
from medgraft.sources.backbone import Backbone, load


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


def transformer(size, **settings):
    import timm

    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=size, depth=1, **settings)


def test_positions_are_interpolated_as_the_library_does_and_tokens_stay():
    from timm.models.vision_transformer import checkpoint_filter_fn

    big, small = transformer(224), transformer(64)
    given, have = big.pos_embed.detach(), small.pos_embed
    placed = adapt_places(small, "pos_embed", given, have)
    assert placed.shape == (1, 17, 192)
    assert torch.equal(placed, checkpoint_filter_fn(dict(big.state_dict()), small)["pos_embed"])
    assert torch.equal(placed[:, 0], given[:, 0])  # the class token's has no place
    flat = torch.ones_like(given) * 0.5
    assert torch.allclose(adapt_places(small, "pos_embed", flat, have), torch.tensor(0.5), atol=1e-5)


def test_what_has_no_place_is_left_alone():
    small = transformer(64)
    weight = torch.zeros(3, 3)
    assert adapt_places(small, "blocks.0.attn.qkv.weight", weight, torch.zeros(5, 5)) is None
    narrow = torch.zeros(1, 197, 100)  # of another width: another network
    assert adapt_places(small, "pos_embed", narrow, small.pos_embed) is None


def test_a_size_of_one_s_own_is_reported_and_kept(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(load("timm:vit_tiny_patch16_224", pretrained=False).tensors(), path)
    backbone = Pretrained(f"{path}@timm:vit_tiny_patch16_224", size=64).load()
    assert backbone.report.resized == ("pos_embed",) and backbone.report.fraction == 1.0
    assert "149 of 150 trunk tensors loaded" in backbone.report.sentence()
    assert "1 resized to the images" in backbone.report.sentence()
    assert backbone.preprocess.size == backbone.config()["network"]["input_size"] == 64
    again = Backbone.from_config(backbone.config(), backbone.tensors())
    assert again.fingerprint == backbone.fingerprint
    other = Pretrained(f"{path}@timm:vit_tiny_patch16_224")
    assert other.fingerprint() != Pretrained(other.spec, size=64).fingerprint()


@pytest.mark.parametrize(
    ("name", "size", "why"),
    [
        ("timm:vit_tiny_patch16_224", 100, "a multiple of 16 pixels"),
        ("torchvision:alexnet", 32, "cannot take images of 32 pixels: use a larger size"),
        ("torchvision:vit_b_16", 100, "cannot be built for images of 100 pixels"),
        ("timm:resnet18", 5, "use 8 to 4096"),
    ],
)
def test_a_size_that_does_not_fit_is_refused_in_a_sentence(name, size, why):
    with pytest.raises(MedgraftError, match=why):
        Pretrained(name, size=size).load(pretrained=False)
