"""Attention over channels and places that can be put into a trained network: at first it changes nothing."""

from __future__ import annotations

import torch
from torch import nn

from medgraft.base import MedgraftError

REDUCTION, SMALLEST = 16, 4  # of the channels inside a gate


class SqueezeExcite(nn.Module):
    r"""Scale channels by :math:`2\sigma(W_2 \mathrm{relu}(W_1 \bar{x}))`, with the mean over places.

    Hu et al. 2018 (doi:10.1109/CVPR.2018.00745) scale by the sigmoid alone; with the factor 2 and
    :math:`W_2 = 0` at first a trained network computes what it did.

    Parameters
    ----------
    channels : int
    dims : int
        2 for maps (b, c, h, w), 3 for volumes.
    """

    def __init__(self, channels: int, dims: int = 2) -> None:
        super().__init__()
        self.dims = dims
        self.gate = _gate(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x (b, c, ...) with its channels scaled."""
        return x * _spread(2.0 * torch.sigmoid(self.gate(x.flatten(2).mean(dim=2))), self.dims)


class CBAM(nn.Module):
    r"""Scale channels by their mean and maximum, then places by mean and maximum over channels.

    Woo et al. 2018 (doi:10.1007/978-3-030-01234-2_1): :math:`\sigma(M(\bar{x}) + M(\max x))` with one
    two-layer M, then :math:`\sigma` of a 7 x 7 convolution of the two maps; each times 2 here, with last
    layers of zero, so that a trained network computes what it did.

    Parameters
    ----------
    channels, dims : int
        As in `SqueezeExcite`.
    """

    def __init__(self, channels: int, dims: int = 2) -> None:
        super().__init__()
        self.dims = dims
        self.gate = _gate(channels)
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        self.places = _zero(convolution(2, 1, 7, padding=3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x (b, c, ...) with its channels, then its places scaled."""
        flat = x.flatten(2)
        scores = self.gate(flat.mean(dim=2)) + self.gate(flat.amax(dim=2))
        x = x * _spread(2.0 * torch.sigmoid(scores), self.dims)
        maps = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * (2.0 * torch.sigmoid(self.places(maps)))


class SelfAttention(nn.Module):
    r"""Add to each place what all places say: :math:`x + \gamma\, W_o V \mathrm{softmax}(K^T Q)`.

    Zhang et al. 2019 (SAGAN, arXiv:1805.08318), with :math:`\gamma = 0` at first; an eighth of the channels
    in keys and queries, half in values. Memory grows with the square of the places: for the last maps.

    Parameters
    ----------
    channels, dims : int
        As in `SqueezeExcite`.
    """

    def __init__(self, channels: int, dims: int = 2) -> None:
        super().__init__()
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        self.query = nn.Conv1d(channels, narrow, 1)
        self.key = nn.Conv1d(channels, narrow, 1)
        self.value = nn.Conv1d(channels, half, 1)
        self.out = nn.Conv1d(half, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x (b, c, ...) and what was added."""
        flat = x.flatten(2)
        share = torch.softmax(self.key(flat).transpose(1, 2) @ self.query(flat), dim=1)  # over keys
        return x + self.gamma * self.out(self.value(flat) @ share).view(x.shape)


ATTENTIONS: dict[str, type[nn.Module]] = {"se": SqueezeExcite, "cbam": CBAM, "self": SelfAttention}


def make_attention(kind: str, channels: int, dims: int = 2) -> nn.Module:
    """Return a module by name: ``"se"``, ``"cbam"`` or ``"self"``.

    Raises
    ------
    MedgraftError
        No such module.
    """
    if kind not in ATTENTIONS:
        raise MedgraftError(f"attention='{kind}' does not exist: use one of none, {', '.join(ATTENTIONS)}.")
    return ATTENTIONS[kind](channels, dims)


def _gate(channels: int) -> nn.Sequential:
    inner = max(channels // REDUCTION, SMALLEST)
    return nn.Sequential(nn.Linear(channels, inner), nn.ReLU(), _zero(nn.Linear(inner, channels)))


def _zero(layer: nn.Module) -> nn.Module:
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer


def _spread(values: torch.Tensor, dims: int) -> torch.Tensor:
    return values.view(*values.shape, *[1] * dims)
