from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from medgraft.base import MedgraftError
from medgraft.networks.resnet3d import DEPTHS, ResNet3d


def conv(x, weight, stride=1, dilation=1):
    """Sum over channels of plain correlations with a kernel that holes are put into."""
    side = (weight.shape[-1] - 1) * dilation + 1
    holed = np.zeros((*weight.shape[:2], side, side, side))
    holed[..., ::dilation, ::dilation, ::dilation] = weight
    out = [sum(correlate(c, k, mode="constant") for c, k in zip(x, row, strict=True)) for row in holed]
    return np.stack(out)[:, ::stride, ::stride, ::stride]


def norm(x, p, name):
    s = p[f"{name}.weight"] / np.sqrt(p[f"{name}.running_var"] + 1e-5)
    t = p[f"{name}.bias"] - s * p[f"{name}.running_mean"]
    return s[:, None, None, None] * x + t[:, None, None, None]


def pool(x):
    padded = np.pad(x, ((0, 0), *[(1, 1)] * 3), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 3), axis=(1, 2, 3))
    return windows.max(axis=(-1, -2, -3))[:, ::2, ::2, ::2]


def naive(x, p, depth, kind):
    """The network as its paper has it, on one volume (x, y, z), from numpy alone."""
    relu = lambda a: np.maximum(a, 0)  # noqa: E731
    h = pool(relu(norm(conv(x[None], p["conv1.weight"], 2), p, "bn1")))
    for stage, (blocks, stride, dilation) in enumerate(
        zip(DEPTHS[depth][0], (1, 2, 1, 1), (1, 1, 2, 4), strict=True), 1
    ):
        for b in range(blocks):
            name, s = f"layer{stage}.{b}", stride if b == 0 else 1
            y = relu(norm(conv(h, p[f"{name}.conv1.weight"], s, dilation), p, f"{name}.bn1"))
            y = norm(conv(y, p[f"{name}.conv2.weight"], 1, dilation), p, f"{name}.bn2")
            if f"{name}.downsample.0.weight" in p:
                h = norm(conv(h, p[f"{name}.downsample.0.weight"], s), p, f"{name}.downsample.1")
            elif len(h) != len(y):
                assert kind == "A"
                h = np.concatenate([h[:, ::s, ::s, ::s], np.zeros_like(y[: len(y) - len(h)])])
            h = relu(y + h)
    return h.mean(axis=(1, 2, 3))


@pytest.mark.parametrize(("depth", "kind"), [(10, "B"), (18, "A")])
def test_it_computes_what_the_paper_says(depth, kind):
    torch.manual_seed(0)
    net = ResNet3d(depth, width=3).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.normal_(0.5, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    x = np.random.default_rng(0).normal(size=(17, 16, 20))
    p = {name: tensor.double().numpy() for name, tensor in net.state_dict().items()}
    with torch.inference_mode():
        out = net(torch.tensor(x, dtype=torch.float32)[None, None])[0].numpy()
    np.testing.assert_allclose(out, naive(x, p, depth, kind), rtol=1e-4, atol=1e-4)


def medicalnet(depth):
    """Names and shapes of MedicalNet's trunk, written down from its published code."""
    shapes = {"conv1": (64, 1, 7, 7, 7)} | _norm("bn1", 64)
    given = 64
    for stage, blocks in enumerate(DEPTHS[depth][0]):
        planes = 64 * 2**stage
        out = planes * (4 if depth == 50 else 1)
        for b in range(blocks):
            name = f"layer{stage + 1}.{b}"
            kernels = [(planes, given, 3), (planes, planes, 3)]
            if depth == 50:
                kernels = [(planes, given, 1), (planes, planes, 3), (out, planes, 1)]
            for i, (wanted, has, side) in enumerate(kernels, 1):
                shapes |= {f"{name}.conv{i}": (wanted, has, side, side, side)} | _norm(
                    f"{name}.bn{i}", wanted
                )
            if b == 0 and depth in (10, 50) and given != out:
                shapes |= {f"{name}.downsample.0": (out, given, 1, 1, 1)} | _norm(f"{name}.downsample.1", out)
            given = out
    return {f"{k}.weight" if len(v) == 5 else k: v for k, v in shapes.items()}


def _norm(name, d):
    kinds = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return {f"{name}.{kind}": () if kind.endswith("tracked") else (d,) for kind in kinds}


@pytest.mark.parametrize("depth", sorted(DEPTHS))
def test_tensors_have_the_names_and_shapes_of_the_published_files(depth):
    assert {k: tuple(t.shape) for k, t in ResNet3d(depth).state_dict().items()} == medicalnet(depth)


def test_a_depth_or_shortcut_that_does_not_exist_is_refused():
    with pytest.raises(MedgraftError, match="depth 20"):
        ResNet3d(20)
    with pytest.raises(MedgraftError, match="shortcut 'C'"):
        ResNet3d(10, shortcut="C")
