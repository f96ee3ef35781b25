"""DarkNet-19 is the paper's table 6."""

from __future__ import annotations

import torch

from medgraft.networks.darknet19 import DarkNet19, darknet19


def test_it_has_nineteen_convolutions_of_the_table_s_filters_and_sides():
    layers = [m for m in DarkNet19().modules() if isinstance(m, torch.nn.Conv2d)]
    filters = [32, 64, 128, 64, 128, 256, 128, 256, 512, 256, 512, 256, 512, 1024, 512, 1024, 512, 1024, 1000]
    sides = [3, 3, 3, 1, 3, 3, 1, 3, 3, 1, 3, 1, 3, 3, 1, 3, 1, 3, 1]
    assert [layer.out_channels for layer in layers] == filters
    assert [layer.kernel_size[0] for layer in layers] == sides


def test_the_map_is_a_thirty_second_of_the_image():
    net = darknet19(channels=1).eval()
    with torch.no_grad():
        assert net.features(torch.rand(1, 1, 64, 96)).shape == (1, 1024, 2, 3)
        assert net(torch.rand(2, 1, 64, 64)).shape == (2, 1024)


def test_a_negative_response_leaks_at_a_tenth():
    layer = DarkNet19().features[0].eval()
    x = torch.randn(1, 3, 5, 5)
    before = layer.norm(layer.conv(x))
    assert torch.allclose(layer(x), torch.where(before > 0, before, before / 10))


def test_the_trunk_is_the_classifier_before_its_last_convolution():
    torch.manual_seed(0)
    whole = DarkNet19(classes=5).eval()
    trunk = darknet19().eval()
    own = {k: v for k, v in whole.state_dict().items() if not k.startswith("classifier")}
    trunk.load_state_dict(own, strict=True)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        weight, bias = whole.classifier.weight[:, :, 0, 0], whole.classifier.bias
        assert torch.allclose(trunk(x) @ weight.T + bias, whole(x), atol=1e-5)
