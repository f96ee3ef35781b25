"""A plain 3-D U-Net, small enough for a processor without a graphics card."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from medgraft.base import MedgraftError

NORMS = ("instance", "group")


class UNet3d(nn.Module):
    """Volumes in, scores for each voxel out (Çiçek et al. 2016, with the choices of Isensee et al. 2021).

    Each level has two 3 x 3 x 3 convolutions with normalisation and leaky rectifiers. Going down, a
    convolution of step 2 halves all three directions; going up, a transposed one doubles them, and the map of
    the level is put beside what comes from below.

    Parameters
    ----------
    channels : int, default 1
        Channels of the volumes.
    classes : int, default 2
        Scores for each voxel.
    widths : sequence of int, default (8, 16, 32)
        Channels of the levels, from the finest to the coarsest; the volume is halved one time fewer.
    norm : str, default "instance"
        ``"instance"``: each channel of each sample for itself; ``"group"``: in groups of channels. Either way
        samples of a batch do not see each other.
    """

    def __init__(
        self,
        channels: int = 1,
        classes: int = 2,
        widths: Sequence[int] = (8, 16, 32),
        norm: str = "instance",
    ) -> None:
        super().__init__()
        if norm not in NORMS:
            raise MedgraftError(f"norm='{norm}' does not exist: use one of {', '.join(NORMS)}.")
        if len(widths) < 2:
            raise MedgraftError("A 3-D U-Net has two levels or more.")
        given = [channels, *widths]
        self.down = nn.ModuleList(
            nn.Sequential(_unit(a, b, 1 if i == 0 else 2, norm), _unit(b, b, 1, norm))
            for i, (a, b) in enumerate(zip(given, widths, strict=False))
        )
        pairs = list(zip(widths[1:], widths, strict=False))[::-1]
        self.grow = nn.ModuleList(nn.ConvTranspose3d(a, b, 2, 2) for a, b in pairs)
        self.up = nn.ModuleList(
            nn.Sequential(_unit(2 * b, b, 1, norm), _unit(b, b, 1, norm)) for _, b in pairs
        )
        self.final = nn.Conv3d(widths[0], classes, 1)
        self.step = 2 ** (len(widths) - 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores (b, classes, x, y, z) of volumes (b, channels, x, y, z) of any size."""
        sides = x.shape[2:]
        missing = [-s % self.step for s in sides]
        if any(missing):
            x = functional.pad(x, [n for m in reversed(missing) for n in (0, m)])
        maps = []
        for level in self.down:
            x = level(x)
            maps.append(x)
        for grow, level, skip in zip(self.grow, self.up, maps[-2::-1], strict=True):
            x = level(torch.cat([grow(x), skip], dim=1))
        scores: torch.Tensor = self.final(x)
        return scores[:, :, : sides[0], : sides[1], : sides[2]]


def _unit(given: int, wanted: int, stride: int, norm: str) -> nn.Sequential:
    groups = wanted if norm == "instance" else next(g for g in (wanted // 8, 1) if g and wanted % g == 0)
    return nn.Sequential(
        nn.Conv3d(given, wanted, 3, stride, 1, bias=False),
        nn.GroupNorm(groups, wanted),
        nn.LeakyReLU(0.01),
    )
