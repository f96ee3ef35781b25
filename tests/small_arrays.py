"""Fitted networks of signals, sequences and omics whose value is a sum over places."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from medgraft.methods.finetune.finetune import FineTune
from medgraft.sources.array_preprocess import ArrayPreprocess
from medgraft.sources.arrays import OmicsReading, SequenceReading, SignalReading, kind_of_reading
from medgraft.sources.network import Head, Network
from medgraft.sources.signals import SignalInput
from medgraft.sources.trunk import Trunk

LETTERS = np.array([0.5, -1.0, 2.0, 0.25])  # worth of A, C, G and T
CHANNELS = np.array([1.0, -2.0])


class Weighted(nn.Module):
    """Multiply each value by a weight (channels, length or 1), and sum all."""

    def __init__(self, weight, square=False):
        super().__init__()
        self.weight, self.square = nn.Parameter(torch.tensor(weight, dtype=torch.float32)), square

    def forward(self, x):
        """Return (b, 1)."""
        return ((x**2 if self.square else x) * self.weight).sum(dim=(1, 2))[:, None]


def valued(reading, weight, square=False):
    """A regression: the weighted sum of what the reading gives (of its squares)."""
    made = FineTune("medgraft:cnn1d", task="regression", device="cpu")
    channels, length = reading.shape
    trunk = Trunk(Weighted(weight, square), (0.0,) * channels, (1 / 255,) * channels, length, 1)
    made.backbone_ = SimpleNamespace(
        module=trunk.eval().requires_grad_(False),
        preprocess=ArrayPreprocess(reading),
        kind=kind_of_reading(reading),
    )
    made.kind_ = made.backbone_.kind
    made.network_ = Network(trunk, Head(1, 1))
    with torch.no_grad():
        made.network_.head.linear.weight.fill_(1.0)
        made.network_.head.linear.bias.zero_()
    made.center_, made.spread_ = 0.0, 1.0
    return made


def of_letters(length):
    return valued(SequenceReading(length), LETTERS[:, None])


def of_signals(channels=2, rate=20, seconds=4, square=False, weight=None):
    names = tuple(str(k + 1) for k in range(channels))
    reading = SignalReading(SignalInput(rate=rate, seconds=seconds, channels=names), recorded=rate)
    return valued(reading, CHANNELS[:channels, None] if weight is None else weight, square)


def of_features(names, weight):
    return valued(OmicsReading(names), np.asarray(weight)[None])
