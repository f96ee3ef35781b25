from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from medgraft.networks.eegnet import MaxNormConv2d, eegnet


def weights(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    ("channels", "samples", "kernel", "classes", "printed"),
    [(64, 128, 64, 2, 2258), (64, 192, 64, 2, 2322), (22, 256, 32, 4, 1716)],
    ids=["P300", "MRCP", "SMR"],
)
def test_with_its_classifier_it_has_the_paper_s_numbers_of_weights(
    channels, samples, kernel, classes, printed
):
    """Layer by layer after the paper's table of the architecture, F1 = 8, D = 2, F2 = 16."""
    net = eegnet(channels, samples, kernel)
    trunk = 8 * kernel + 2 * 8 + 16 * channels + 2 * 16 + (16 * 16 + 16 * 16) + 2 * 16
    features = 16 * (samples // 32)
    assert weights(net) == trunk
    assert trunk + classes * (features + 1) == printed


def test_it_is_the_paper_s_sum_written_out():
    torch.manual_seed(0)
    net = eegnet(channels=3, samples=64, kernel=6, f1=2, depth=2, f2=3).eval()
    x = torch.randn(1, 3, 64)
    v = x[0].numpy().astype(float)
    w = {k: p.detach().numpy().astype(float) for k, p in net.named_parameters()}

    def slide(row, kernel):  # zeros so that the length stays, one more behind for an even kernel
        k = len(kernel)
        row = np.pad(row, ((k - 1) // 2, k // 2))
        return np.array([row[t : t + k] @ kernel for t in range(64 if len(row) > 40 else 16)])

    def elu(a):
        return np.where(a > 0, a, np.expm1(a))

    kept = 1 / np.sqrt(1 + 1e-5)  # BatchNorm before training
    spatial = []
    for f in range(4):
        own = np.array([slide(row, w["temporal.weight"][f // 2, 0, 0]) * kept for row in v])
        mix = w["spatial.weight"][f, 0, :, 0]
        spatial.append(mix / max(1, np.linalg.norm(mix)) @ own * kept)
    h = elu(np.array(spatial)).reshape(4, 16, 4).mean(axis=2)
    deep = np.array([slide(h[f], w["separable.depthwise.weight"][f, 0, 0]) for f in range(4)])
    mixed = elu(w["separable.pointwise.weight"][:, :, 0, 0] @ deep * kept)
    expected = mixed.reshape(3, 2, 8).mean(axis=2).reshape(-1)
    with torch.no_grad():
        np.testing.assert_allclose(net(x).numpy()[0], expected, atol=1e-5)


def test_a_spatial_filter_is_used_with_norm_one_at_most():
    conv = MaxNormConv2d(2, 2, (3, 1), groups=2, bias=False)
    conv.weight.data[0] = torch.tensor([3.0, 0.0, 4.0]).view(1, 3, 1)  # norm 5
    conv.weight.data[1] = torch.tensor([0.3, 0.0, 0.4]).view(1, 3, 1)  # norm 1/2
    bounded = conv.weight.data.clone()
    bounded[0] /= 5
    x = torch.randn(4, 2, 3, 7)
    with torch.no_grad():
        assert torch.allclose(conv(x), functional.conv2d(x, bounded, groups=2), atol=1e-6)


def test_dropout_is_half_or_what_is_asked_for():
    rates = [
        [m.p for m in eegnet(2, 64, **s).modules() if isinstance(m, torch.nn.Dropout)]
        for s in ({}, {"dropout": 0.25})
    ]
    assert rates == [[0.5, 0.5], [0.25, 0.25]]
