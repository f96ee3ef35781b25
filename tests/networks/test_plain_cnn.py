"""The plain CNN is what its docstring says."""

from __future__ import annotations

import torch

from medgraft.networks.plain_cnn import PlainCNN, plain_cnn


def test_it_has_two_convolutions_a_stage_and_each_stage_halves_the_map():
    net = plain_cnn(channels=1).eval()
    filters = [m.out_channels for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    assert filters == [32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    with torch.no_grad():
        assert net.features(torch.rand(1, 1, 64, 96)).shape == (1, 512, 2, 3)
        assert net(torch.rand(2, 1, 32, 32)).shape == (2, 256)


def test_its_weights_are_as_many_as_the_layers_ask_for():
    # A convolution of a channels to b: 9ab, and 2b of BatchNorm; then 512 x 256 weights and 256 biases.
    stages = [(3, 32), (32, 64), (64, 128), (128, 256), (256, 512)]
    expected = sum(9 * a * b + 9 * b * b + 4 * b for a, b in stages) + 512 * 256 + 256
    assert sum(p.numel() for p in plain_cnn().parameters()) == expected


def test_the_trunk_is_the_classifier_before_its_last_layer():
    torch.manual_seed(0)
    whole, trunk = PlainCNN(classes=5).eval(), plain_cnn().eval()
    own = {k: v for k, v in whole.state_dict().items() if not k.startswith("classifier")}
    trunk.load_state_dict(own, strict=True)
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = trunk(x) @ whole.classifier.weight.T + whole.classifier.bias
        assert torch.allclose(whole(x), expected, atol=1e-5)
