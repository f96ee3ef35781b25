"""A step of a network that owns nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

import torch
from torch import nn


class View(nn.Module):
    """Several modules of a network, run by a function of the network, as one step of its chain.

    The modules stay where they are, under the names of published weights; training mode and weights are
    passed on to them.

    Parameters
    ----------
    modules : tuple of Module
        What the step runs.
    run : callable
        Activations -> activations.
    """

    def __init__(self, modules: tuple[nn.Module, ...], run: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        object.__setattr__(self, "seen", modules)  # not children: their weights belong to the network
        object.__setattr__(self, "run", run)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the step."""
        run: Callable[[torch.Tensor], torch.Tensor] = self.run  # type: ignore[assignment]
        return run(x)

    def modules(self, remove_duplicate: bool = True) -> Iterator[nn.Module]:
        """Yield the modules of the step, with all inside them."""
        for module in self.seen:  # type: ignore[union-attr]
            yield from module.modules(remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Yield the weights of the step."""
        for module in self.seen:  # type: ignore[union-attr]
            yield from module.parameters(recurse)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the step's modules."""
        for module in self.seen:  # type: ignore[union-attr]
            module.train(mode)
        return self
