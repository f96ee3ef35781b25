"""The decoder of a U-Net, on whatever maps an encoder left on its way down."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

# Channels of the decoder's levels, from the finest to the coarsest.
WIDTHS = (8, 16, 32, 64, 128, 256)


class UNetDecoder(nn.Module):
    r"""From maps of falling resolution to scores for each pixel (Ronneberger et al. 2015).

    Level by level from the coarsest map, the map is enlarged bilinearly to the size of the next finer one,
    put beside it, and passed through two 3 x 3 convolutions:
    :math:`u_l = g_l([\mathrm{up}(u_{l+1}), s_l])`, scores :math:`= W u_0`. The decoder knows nothing of the
    encoder but the numbers of channels, so that it stands on any: a DenseNet makes it DenseUNet. The coarsest
    map goes through a 1 x 1 convolution first, because encoders end in a thousand channels or more.
    BatchNorm, because statistics of one image alone take away how strongly it answers, and with that whether
    it holds anything: on slices of volumes such a decoder reached half the Dice after as many steps.

    Parameters
    ----------
    skips : sequence of int
        Channels of the encoder's maps, from the finest to the coarsest.
    classes : int
        Scores for each pixel.
    widths : sequence of int, optional
        Channels of the decoder's levels, from the finest to the coarsest; one fewer than `skips`.
    """

    def __init__(self, skips: Sequence[int], classes: int, widths: Sequence[int] | None = None) -> None:
        super().__init__()
        widths = list(WIDTHS[: len(skips) - 1]) if widths is None else list(widths)
        below = [*widths[1:], widths[-1]]
        self.bottom = _unit(skips[-1], widths[-1], 1)
        self.levels = nn.ModuleList(
            nn.Sequential(_unit(under + skip, width, 3), _unit(width, width, 3))
            for under, skip, width in zip(below, skips, widths, strict=False)
        )
        self.final = nn.Conv2d(widths[0], classes, 1)

    def begin(self, shares: Sequence[float]) -> None:
        """Let the first scores be near the log shares of the classes (K,), as in Lin et al. 2017.

        Where a class has few pixels, training otherwise spends its first hundreds of steps on learning that,
        and is drawn to outline nothing (doi:10.1109/ICCV.2017.324 has the same for detectors).
        """
        with torch.no_grad():
            self.final.bias.copy_(torch.tensor(shares).clamp(min=1e-4).log())  # type: ignore[union-attr]

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return scores (b, classes, h, w) of maps (b, c, h / 2^l, w / 2^l), the finest first."""
        x: torch.Tensor = self.bottom(maps[-1])
        for level, skip in zip(reversed(self.levels), reversed(maps[:-1]), strict=True):
            x = functional.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = level(torch.cat([x, skip], dim=1))
        scores: torch.Tensor = self.final(x)
        return scores


class _Norm(nn.BatchNorm2d):
    """BatchNorm that leaves its statistics alone where a batch has one value of each channel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and x.numel() > x.shape[1]:
            return super().forward(x)
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


def _unit(given: int, wanted: int, size: int) -> nn.Sequential:
    """Convolution, normalisation, rectifier."""
    return nn.Sequential(
        nn.Conv2d(given, wanted, size, padding=size // 2, bias=False), _Norm(wanted), nn.ReLU()
    )
