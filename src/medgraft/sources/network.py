"""A trunk with a head: what is trained, what is frozen, and what BatchNorm does meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Self

import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.sources.trunk import Trunk

BATCHNORM = ("frozen", "recompute", "adapt")


class Head(nn.Module):
    """Standardised features -> K scores, or one value.

    Parameters
    ----------
    d : int
        Number of features.
    k : int
        Number of outputs.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, d: int, k: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("scale", torch.ones(d))
        self.linear = nn.Linear(d, k)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return scores (b, k) of features (b, d)."""
        out: torch.Tensor = self.linear((features - self.mean) / self.scale)
        return out


class Network(nn.Module):
    """A trunk and a head; the head trains, and those blocks that are released.

    Parameters
    ----------
    trunk : Trunk
    head : Head
    batchnorm : str
        ``"frozen"``: BatchNorm layers keep their statistics and their weights, and use them in training
        too, so that they compute the same as before; ``"recompute"``: the same, with statistics that were
        measured anew beforehand; ``"adapt"``: those in released blocks train.
    """

    def __init__(self, trunk: Trunk, head: Head, batchnorm: str = "frozen") -> None:
        super().__init__()
        if batchnorm not in BATCHNORM:
            raise MedgraftError(f"batchnorm='{batchnorm}' does not exist: use one of {', '.join(BATCHNORM)}.")
        self.trunk, self.head, self.batchnorm = trunk, head, batchnorm
        self.released: frozenset[int] = frozenset()
        # An adapter's choice of weights; the weights themselves, so that a copy chooses its own.
        self.only: list[nn.Parameter] | None = None
        self.release(())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return scores (b, k) of images (b, c, s, s) with values 0 to 255."""
        out: torch.Tensor = self.head(self.trunk(images))
        return out

    def rest(self, h: torch.Tensor, k: int) -> torch.Tensor:
        """Return scores (b, k) of what ``trunk.prefix(images, k)`` gave."""
        out: torch.Tensor = self.head(self.trunk.suffix(h, k))
        return out

    def rest_with_map(self, h: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return scores as `rest` does, the last map before pooling, and the features (b, d)."""
        maps, features = self.trunk.suffix_with_map(h, k)
        return self.head(features), maps, features

    def release(self, blocks: Iterable[int]) -> None:
        """Let some blocks train, by place, and freeze the others; the head always trains."""
        self.released = frozenset(blocks)
        for weight in self.trunk.parameters():
            weight.requires_grad_(False)
        for block in self.released:
            for weight in self.block_weights(block):
                weight.requires_grad_(True)
        self.train(self.training)

    def block_weights(self, block: int) -> list[nn.Parameter]:
        """Return the weights of a block that its release lets train."""
        kept = (
            {id(p) for norm in self._norms() for p in norm.parameters()}
            if self.batchnorm != "adapt"
            else set()
        )
        modules = self.trunk.block_modules(block)
        weights = [p for module in modules for p in module.parameters()]
        if self.only is not None:
            only = {id(p) for p in self.only}
            return [p for p in weights if id(p) in only]
        return [p for p in weights if id(p) not in kept]

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

    @property
    def exact(self) -> bool:
        """Whether training is a function of the batch alone: no dropout draws random numbers."""
        random = (nn.modules.dropout._DropoutNd,)
        named = any(type(m).__name__ == "DropPath" for m in self.trunk.modules())
        return not named and not any(isinstance(m, random) and m.p > 0 for m in self.trunk.modules())

    def _norms(self) -> Iterator[nn.Module]:
        return (m for m in self.trunk.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))
