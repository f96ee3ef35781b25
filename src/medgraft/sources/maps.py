"""A trunk as the encoder of a U-Net: the maps it passes on its way down, and what of it trains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.networks.unet import UNetDecoder
from medgraft.sources.network import BATCHNORM
from medgraft.sources.trunk import Trunk

_PROBE = 128  # pixels: five halvings leave 4, so that pooling to 1 is told apart


def map_places(trunk: Trunk) -> list[tuple[int, int]]:
    """Find where a trunk's maps become smaller, as (module, channels), from the finest to the coarsest.

    The modules of all blocks are counted from 1; 0 is the normalised image. A place is the last module of a
    resolution, so that its map has seen all that the trunk computes there.

    Raises
    ------
    MedgraftError
        The trunk has no maps of at least three resolutions: a transformer, or a network that is no chain.
    """
    places: list[tuple[int, int]] = []
    side = 0  # pixels of the level at hand
    with torch.inference_mode():
        h = torch.zeros_like(trunk.mean).expand(1, -1, _PROBE, _PROBE)
        for i, h in enumerate(_steps(trunk, h)):  # noqa: B020  # the map itself is what is followed
            if h.ndim != 4 or h.shape[2] != h.shape[3] or h.shape[2] < 2:
                break
            if places and h.shape[2] > 0.75 * side:  # convolutions without padding take a few pixels off
                places[-1] = (i, int(h.shape[1]))
            else:
                side = int(h.shape[2])
                places.append((i, int(h.shape[1])))
    if len(places) < 3:
        raise MedgraftError(
            "This network has no maps of falling resolution, which a U-Net needs: use a convolutional one "
            "such as timm:mobilenetv2_100, timm:resnet18 or timm:densenet121."
        )
    return places


def _steps(trunk: Trunk, h: torch.Tensor) -> Iterable[torch.Tensor]:
    """Yield the normalised image and the output of each module in turn."""
    yield h
    for block in range(len(trunk.blocks)):
        for module in trunk.block_modules(block):
            try:
                h = module(h)
            except Exception:  # a module that takes no image of this size ends the maps
                return
            yield h


class EncoderDecoder(nn.Module):
    """A trunk and a U-Net's decoder; the decoder trains, and those blocks of the trunk that are released.

    Parameters
    ----------
    trunk : Trunk
        Its blocks are the encoder; what follows its coarsest map is not run.
    classes : int
        Scores for each pixel.
    batchnorm : str
        ``"frozen"`` or ``"adapt"``, as in `Network`.
    widths : sequence of int, optional
        Of the decoder (see `UNetDecoder`).
    """

    def __init__(
        self, trunk: Trunk, classes: int, batchnorm: str = "frozen", widths: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        if batchnorm not in BATCHNORM:
            raise MedgraftError(f"batchnorm='{batchnorm}' does not exist: use one of {', '.join(BATCHNORM)}.")
        self.trunk, self.batchnorm = trunk, batchnorm
        self.places = map_places(trunk)
        self.decoder = UNetDecoder([channels for _, channels in self.places], classes, widths)
        self.released: frozenset[int] = frozenset()
        self.release(())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return scores (b, classes, h, w) of images (b, c, h, w) with values 0 to 255."""
        scores: torch.Tensor = self.decoder(self.maps(images))
        return scores

    def maps(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the encoder's maps, the finest first."""
        wanted = {i for i, _ in self.places}
        h = self.trunk.normalise(images)
        maps, i = ([h] if 0 in wanted else []), 0
        for block in range(len(self.trunk.blocks)):
            for module in self.trunk.block_modules(block):
                if i == self.places[-1][0]:
                    return maps
                h, i = module(h), i + 1
                if i in wanted:
                    maps.append(h)
        return maps

    def release(self, blocks: Iterable[int]) -> None:
        """Let some blocks of the encoder train, by place, and freeze the others."""
        self.released = frozenset(blocks)
        for weight in self.trunk.parameters():
            weight.requires_grad_(False)
        for block in self.released:
            for weight in self.block_weights(block):
                weight.requires_grad_(True)
        self.train(self.training)

    def block_weights(self, block: int) -> list[nn.Parameter]:
        """Return the weights of a block that its release lets train."""
        kept = {id(p) for norm in self._norms() for p in norm.parameters()}
        weights = [p for m in self.trunk.block_modules(block) for p in m.parameters()]
        return [p for p in weights if self.batchnorm == "adapt" or id(p) not in kept]

    def train(self, mode: bool = True) -> Self:
        """Set training mode for what trains; frozen blocks (and frozen BatchNorm) stay in evaluation mode."""
        super().train(mode)
        if not mode:
            return self
        for block in set(range(len(self.trunk.blocks))) - self.released:
            for module in self.trunk.block_modules(block):
                module.eval()
        if self.batchnorm != "adapt":
            for norm in self._norms():
                norm.eval()
        return self

    def _norms(self) -> list[nn.Module]:
        return [m for m in self.trunk.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
