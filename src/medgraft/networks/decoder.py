"""Light decoders: pixels from what a network has left of an image."""

from __future__ import annotations

import torch
from torch import nn


def as_grid(maps: torch.Tensor, d: int) -> torch.Tensor:
    """Return the last activations as (b, channels, g, g), whatever the network's own layout.

    Parameters
    ----------
    maps : tensor
        (b, c, g, g) or (b, g, g, c) of a network on a grid, or tokens (b, n, c); those before the last square
        number of them, such as the class token, are left out.
    d : int
        Number of features, by which channels that come last are known.

    Examples
    --------
    >>> as_grid(torch.zeros(2, 17, 8), 8).shape
    torch.Size([2, 8, 4, 4])
    """
    if maps.ndim == 3:
        side = int(maps.shape[1] ** 0.5)
        return maps[:, -(side**2) :].transpose(1, 2).reshape(len(maps), -1, side, side)
    if maps.shape[1] != d and maps.shape[-1] == d:
        return maps.movedim(-1, 1)
    return maps


class PatchDecoder(nn.Module):
    """A map (b, d, g, g) -> pixels (b, c, g q, g q): each place says its own patch, by one linear layer.

    Parameters
    ----------
    channels : int
        Of the map.
    colours : int
        Of the image.
    q : int
        Side of a patch, in the pixels predicted.
    """

    def __init__(self, channels: int, colours: int, q: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(channels, colours * q * q, 1), nn.PixelShuffle(q))

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        """Return pixels."""
        out: torch.Tensor = self.layers(grid)
        return out


class BottleneckDecoder(nn.Module):
    """Features (b, d) -> z numbers -> pixels (b, c, 32, 32).

    Parameters
    ----------
    d : int
        Number of features.
    colours : int
    z : int
        Width of the bottleneck.
    """

    SIDE = 32

    def __init__(self, d: int, colours: int, z: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(d, z),
            nn.Linear(z, 64 * 4 * 4),
            nn.Unflatten(1, (64, 4, 4)),
            *(layer for a, b in ((64, 32), (32, 16), (16, 16)) for layer in _twice(a, b)),
            nn.Conv2d(16, colours, 3, padding=1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return pixels."""
        out: torch.Tensor = self.layers(features)
        return out


def _twice(a: int, b: int) -> tuple[nn.Module, ...]:
    return nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, padding=1)
