from __future__ import annotations

import torch

from medgraft.networks.cnn1d_deep import cnn1d


def test_it_has_the_layers_of_the_study_at_its_size():
    net = cnn1d(channels=2, samples=640)
    kinds = [type(m).__name__ for m in net]
    assert kinds == [
        *("ConstantPad1d", "Conv1d", "ReLU", "BatchNorm1d", "Conv1d", "ReLU", "BatchNorm1d", "Dropout"),
        *("Conv1d", "ReLU", "MaxPool1d", "Flatten", *("Linear", "ReLU", "Dropout") * 3, "Linear", "ReLU"),
    ]
    lengths = [640, 640 - 9, 640 - 9 - 3]
    flat = 32 * (lengths[-1] // 3)
    count = (2 * 10 * 64 + 64) + 2 * 64 + (64 * 10 * 64 + 64) + 2 * 64 + (64 * 4 * 32 + 32)
    count += (flat + 1) * 306 + (306 + 1) * 153 + (153 + 1) * 77 + (77 + 1) * 77
    assert sum(p.numel() for p in net.parameters()) == count == 2_162_517


def test_the_first_convolution_keeps_the_length_and_the_others_do_not():
    net = cnn1d(channels=2, samples=100).eval()
    x = torch.randn(1, 2, 100)
    lengths = []
    for name, module in net.named_children():
        x = module(x)
        if name.startswith(("conv", "pool")):
            lengths.append(x.shape[2])
    assert lengths == [100, 91, 88, 29]
