from __future__ import annotations

import torch
from torch.nn import functional

from medgraft.networks.resnet1d import resnet1d


def test_it_has_the_weights_of_the_published_network_but_for_idle_biases():
    """504,000 of one channel, counted by hand with a bias in each convolution."""

    def block(given, wanted, project):
        convolutions = sum(k * a * wanted + wanted for k, a in ((8, given), (5, wanted), (3, wanted)))
        return convolutions + (given * wanted + wanted) * project + 4 * 2 * wanted

    published = block(1, 64, True) + block(64, 128, True) + block(128, 128, False)
    biases = 3 * 64 + 64 + 3 * 128 + 128 + 3 * 128
    assert published == 504_000
    assert sum(p.numel() for p in resnet1d(1, 100).parameters()) == published - biases


def test_it_is_three_residual_blocks_written_out():
    torch.manual_seed(0)
    net = resnet1d(channels=2, samples=20, widths=(3, 4, 4)).eval()
    x = torch.randn(2, 2, 20)
    kept = (1 + 1e-5) ** -0.5  # BatchNorm before training
    h = x
    for block, project in ((net.block1, True), (net.block2, True), (net.block3, False)):
        y = h
        for i in (1, 2, 3):
            y = functional.conv1d(y, getattr(block.path, f"conv{i}").weight, padding="same") * kept
            y = functional.relu(y) if i < 3 else y
        past = functional.conv1d(h, block.shortcut.conv.weight) if project else h
        h = functional.relu(y + past * kept)
    with torch.no_grad():
        assert torch.allclose(net(x), h.mean(dim=2), atol=1e-5)


def test_a_map_sees_forty_samples():
    torch.manual_seed(0)
    net = resnet1d(channels=1, samples=101, widths=(4, 4, 4)).eval()
    for weight in net.parameters():  # so that no activation is cut off
        weight.data.abs_()
    x = torch.rand(1, 1, 101, requires_grad=True)
    net.block3(net.block2(net.block1(x)))[0, 0, 50].backward()
    assert int((x.grad != 0).sum()) == 1 + 3 * (7 + 4 + 2)
