"""A domain classifier that a network learns to deceive."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, strength: float) -> torch.Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        return -ctx.strength * grad, None


def reverse_gradient(x: torch.Tensor, strength: float) -> torch.Tensor:
    """Return x; what flows back through it is turned round and multiplied by `strength`."""
    out: torch.Tensor = _Reverse.apply(x, strength)  # type: ignore[no-untyped-call]
    return out


class Discriminator(nn.Module):
    """Features -> one score: above zero for the source, below for the target.

    Parameters
    ----------
    d : int
        Number of features.
    width : int
        Units of the two hidden layers.
    """

    def __init__(self, d: int, width: int = 256) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(d, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores (b,)."""
        out: torch.Tensor = self.layers(x)[:, 0]
        return out
