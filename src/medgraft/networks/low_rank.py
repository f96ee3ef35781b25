"""A low-rank change of a weight."""

from __future__ import annotations

import torch
from torch import nn

SCALE = 2.0  # alpha / r of the paper, with its usual alpha = 2 r


class LowRank(nn.Module):
    r"""Turn a weight W into :math:`W + 2 B A`, zero at first; a parametrisation (Hu et al. 2022).

    Parameters
    ----------
    weight : tensor (out, ...)
        A matrix, or a convolution's weight, read as a matrix (out, all else).
    rank : int
        Rows of A.
    """

    def __init__(self, weight: torch.Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        self.A = nn.Parameter(torch.randn(rank, columns, dtype=weight.dtype) / columns**0.5)
        self.B = nn.Parameter(torch.zeros(rows, rank, dtype=weight.dtype))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the changed weight."""
        return weight + SCALE * (self.B @ self.A).view(weight.shape)


def has_matrix(module: nn.Module) -> bool:
    """Whether a layer's weight is one matrix: linear, or a convolution without groups."""
    convolution = isinstance(module, nn.modules.conv._ConvNd) and module.groups == 1
    return isinstance(module, nn.Linear) or convolution


def is_norm(module: nn.Module) -> bool:
    """Whether a layer normalises and has a scale and a shift."""
    kinds = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
    return isinstance(module, kinds) or type(module).__name__ in ("LayerNorm2d", "RmsNorm")
