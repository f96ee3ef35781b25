"""Trunks for volumes: a 3-D network on the whole, or a 2-D network on each slice."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from medgraft.sources.trunk import Trunk
from medgraft.sources.volumes import VolumeInput


class VolumeTrunk(Trunk):
    """Volumes (b, 1, x, y, z) in, pooled features (b, d) out, of a 3-D network."""

    piece, whole = 4, 8

    def suffix_with_map(self, h: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last map with its places as (b, c, x y, z), and what `suffix` gives."""
        maps, features = super().suffix_with_map(h, k)
        return maps.flatten(2, 3) if maps.ndim == 5 else maps, features


class SliceTrunk(Trunk):
    """Volumes as slices (b, k, c, s, s) in, features (b, d) out: the mean or maximum over slices.

    Slices share the network; what blocks give between is kept for each slice, (b, k, ...).

    Parameters
    ----------
    net, mean, std, size
        Of the 2-D network, as in `Trunk`.
    given : VolumeInput
        How many slices, and how their features become the volume's.
    """

    on_cpu, elsewhere = 4, 64  # slices that pass at once; more would leave the processor's cache

    def __init__(
        self,
        net: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        size: int,
        given: VolumeInput,
    ) -> None:
        super().__init__(net, mean, std, size)
        self.slices, self.pool = given.slices, given.pool
        self.piece, self.whole = max(1, 8 // self.slices), max(1, 32 // self.slices)

    def forward(self, volumes: torch.Tensor) -> torch.Tensor:
        """Return features (b, d) of slices (b, k, c, s, s) with values 0 to 255."""
        return self._pooled(self._each(super().forward, volumes.flatten(0, 1)))

    def between(self, h: torch.Tensor, start: int, stop: int) -> torch.Tensor:
        """Run blocks `start` to `stop` - 1 on each slice."""
        run = super().between
        out = self._each(lambda part: run(part, start, stop), h.flatten(0, 1))
        return self._apart(out)

    def suffix(self, h: torch.Tensor, k: int) -> torch.Tensor:
        """Run from block `k` to the end, and pool over slices."""
        return self._pooled(self.between(h, k, len(self.blocks)).flatten(0, 1).flatten(1))

    def suffix_with_map(self, h: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the slices' last maps side by side (b, c, k h, w), and what `suffix` gives."""
        maps, features = super().suffix_with_map(h.flatten(0, 1), k)
        maps = self._apart(maps)
        if maps.ndim == 5:
            return maps.transpose(1, 2).flatten(2, 3), self._pooled(features)
        return maps.flatten(1, 2), self._pooled(features)  # tokens: (b, k t, c)

    def _apart(self, flat: torch.Tensor) -> torch.Tensor:
        return flat.reshape(-1, self.slices, *flat.shape[1:])

    def _pooled(self, features: torch.Tensor) -> torch.Tensor:
        each = self._apart(features)
        return each.amax(dim=1) if self.pool == "max" else each.mean(dim=1)

    def _each(self, run: Callable[[torch.Tensor], torch.Tensor], flat: torch.Tensor) -> torch.Tensor:
        """Run on a few slices at a time, unless a gradient or a batch's statistics are asked for."""
        if torch.is_grad_enabled() or any(module.training for module in self.net.modules()):
            return run(flat)
        parts = torch.split(flat, self.on_cpu if flat.is_cpu else self.elsewhere)
        return torch.cat([run(part) for part in parts])
