"""The W-Net of retinal vessels: a small U-Net, and a second one that sees what the first one drew."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

WIDTHS = (8, 16, 32)


class _Residual(nn.Module):
    """Two convolutions, each before a rectifier and a normalisation, beside a 1 x 1 convolution."""

    def __init__(self, given: int, wanted: int, halve: bool) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2) if halve else nn.Identity()
        self.block = nn.Sequential(*_unit(given, wanted), *_unit(wanted, wanted))
        self.shortcut = nn.Sequential(nn.Conv2d(given, wanted, 1, bias=False), nn.BatchNorm2d(wanted))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(x)
        y: torch.Tensor = self.block(x) + self.shortcut(x)
        return y


class _Chain(nn.Module):
    """Modules in a row, under the name that the published tensors have."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*modules)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.block(x)
        return y


class _Up(nn.Module):
    """Enlarge, put the other side's map beside it, convolve."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.up_layer = _Chain(nn.ConvTranspose2d(given, wanted, 2, 2))
        self.conv_bridge_layer = _Chain(*_unit(wanted, wanted))
        self.conv_layer = _Residual(2 * wanted, wanted, halve=False)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.conv_layer(torch.cat([self.up_layer(x), self.conv_bridge_layer(skip)], dim=1))
        return y


class _SmallUNet(nn.Module):
    def __init__(self, channels: int, classes: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = _Residual(channels, widths[0], halve=False)
        steps = list(pairwise(widths))
        self.down_path = nn.ModuleList(_Residual(a, b, halve=True) for a, b in steps)
        self.up_path = nn.ModuleList(_Up(b, a) for a, b in reversed(steps))
        self.final = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = [self.first(x)]
        for down in self.down_path:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for up in self.up_path:
            x = up(x, maps.pop())
        y: torch.Tensor = self.final(x)
        return y


class WNet(nn.Module):
    r"""Two small U-Nets in a row: :math:`f_2([x, f_1(x)])` (Galdran et al. 2022).

    The second one is given the image beside the scores that the first one gave, and mends them. With 68,482
    parameters it does on retinal photographs what far larger networks do.

    Its tensors are named ``unet{1,2}.{first, down_path.N, up_path.N, final}``, as in the published weights
    (``lwnet``), which it loads strictly.

    Parameters
    ----------
    channels : int, default 3
        Channels of the images.
    classes : int, default 1
        Scores for each pixel; the weights of the paper have one, the vessels.
    widths : sequence of int, default (8, 16, 32)
        Channels of the levels.

    Notes
    -----
    doi:10.1038/s41598-022-09675-y. Sides are multiples of ``2 ** (len(widths) - 1)``.
    """

    def __init__(self, channels: int = 3, classes: int = 1, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.unet1 = _SmallUNet(channels, classes, widths)
        self.unet2 = _SmallUNet(channels + classes, classes, widths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores (b, classes, h, w) of images (b, channels, h, w) with values 0 to 1."""
        scores: torch.Tensor = self.unet2(torch.cat([x, self.unet1(x)], dim=1))
        return scores


def _unit(given: int, wanted: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(given, wanted, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(wanted)
