from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.sources.maps import EncoderDecoder, map_places
from medgraft.sources.pretrained import Pretrained


def trunk(name):
    return Pretrained(name).load(pretrained=False).module


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("timm:resnet18", [3, 64, 64, 128, 256, 512]),
        ("torchvision:densenet121", [3, 64, 256, 512, 1024, 1024]),
        ("timm:mobilenetv2_035", [3, 8, 8, 16, 32, 1280]),
        ("torchvision:vgg11", [64, 128, 256, 512, 512, 512]),
        ("timm:convnext_atto", [3, 40, 80, 160, 320]),
    ],
)
def test_maps_are_the_last_of_each_resolution(name, channels):
    net = EncoderDecoder(trunk(name), 2).eval()
    with torch.no_grad():
        maps = net.maps(torch.rand(1, 3, 128, 128) * 255)
    assert [m.shape[1] for m in maps] == channels == [c for _, c in net.places]
    sides = [m.shape[2] for m in maps]
    assert sides[0] == 128 and all(a > b for a, b in pairwise(sides))


def test_a_map_is_what_the_network_itself_computes_there():
    encoder = trunk("timm:resnet18")
    seen = {}
    encoder.net.layer2.register_forward_hook(lambda module, given, out: seen.update(out=out))
    x = torch.rand(1, 3, 64, 64) * 255
    with torch.no_grad():
        maps = EncoderDecoder(encoder, 2).eval().maps(x)
        encoder(x)
    torch.testing.assert_close(maps[3], seen["out"])


def test_scores_have_the_size_of_the_image_whatever_it_is():
    net = EncoderDecoder(trunk("timm:mobilenetv2_035"), 3).eval()
    with torch.no_grad():
        assert net(torch.rand(2, 3, 75, 50) * 255).shape == (2, 3, 75, 50)


@pytest.mark.parametrize("name", ["timm:vit_tiny_patch16_224", "torchvision:swin_t"])
def test_a_transformer_is_refused_in_one_sentence(name):
    with pytest.raises(MedgraftError, match="convolutional one such as"):
        map_places(trunk(name))


def test_released_blocks_alone_have_a_gradient_and_frozen_norms_stand_still():
    net = EncoderDecoder(trunk("timm:resnet18"), 2)
    net.release([4])
    net.train()
    before = {n: t.clone() for n, t in net.trunk.state_dict().items()}
    net(torch.rand(2, 3, 64, 64) * 255).square().mean().backward()
    moved = {n for n, p in net.trunk.net.named_parameters() if p.grad is not None}
    assert moved and all(n.startswith("layer4") and ".bn" not in n for n in moved)
    assert all(torch.equal(t, before[n]) for n, t in net.trunk.state_dict().items())


def test_norms_that_adapt_count_what_they_see():
    net = EncoderDecoder(trunk("timm:resnet18"), 2, batchnorm="adapt")
    net.release([4])
    net.train()
    net(torch.rand(2, 3, 64, 64) * 255)
    assert net.trunk.net.layer4[0].bn1.num_batches_tracked == 1
    assert net.trunk.net.layer1[0].bn1.num_batches_tracked == 0  # its block is frozen
