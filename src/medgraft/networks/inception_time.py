"""InceptionTime: filters of several lengths side by side, for time series."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.networks.lengths import check_length, same

MODULES = 3  # inception modules under one shortcut


class InceptionModule(nn.Module):
    """Convolutions of several lengths over a bottleneck, and one over a maximum, side by side.

    Parameters
    ----------
    given : int
        Channels in; a single one needs no bottleneck.
    filters : int
        Channels of the bottleneck and of each branch; ``filters * (len(kernels) + 1)`` come out.
    kernels : sequence of int
        Samples of the convolutions.
    """

    def __init__(self, given: int, filters: int, kernels: Sequence[int]) -> None:
        super().__init__()
        narrow = given if given == 1 else filters
        self.bottleneck = nn.Identity() if given == 1 else nn.Conv1d(given, filters, 1, bias=False)
        self.branches = nn.ModuleList(
            nn.Sequential(OrderedDict(pad=same(k), conv=nn.Conv1d(narrow, filters, k, bias=False)))
            for k in kernels
        )
        pool = OrderedDict(pool=nn.MaxPool1d(3, 1, 1), conv=nn.Conv1d(given, filters, 1, bias=False))
        self.pooled = nn.Sequential(pool)
        self.norm = nn.BatchNorm1d(filters * (len(kernels) + 1))
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the branches' outputs (b, filters * (kernels + 1), samples)."""
        h = self.bottleneck(x)
        joined = torch.cat([*(branch(h) for branch in self.branches), self.pooled(x)], dim=1)
        y: torch.Tensor = self.act(self.norm(joined))
        return y


class InceptionBlock(nn.Module):
    """Three inception modules in a row, and a normalised convolution of one sample past them."""

    def __init__(self, given: int, filters: int, kernels: Sequence[int]) -> None:
        super().__init__()
        wide = filters * (len(kernels) + 1)
        self.inceptions = nn.Sequential(
            *(InceptionModule(wide if i else given, filters, kernels) for i in range(MODULES))
        )
        self.shortcut = nn.Sequential(
            OrderedDict(conv=nn.Conv1d(given, wide, 1, bias=False), norm=nn.BatchNorm1d(wide))
        )
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, as long as its input."""
        y: torch.Tensor = self.act(self.inceptions(x) + self.shortcut(x))
        return y


def inception_time(
    channels: int, samples: int, filters: int = 32, depth: int = 6, kernels: Sequence[int] = (40, 20, 10)
) -> nn.Sequential:
    r"""Return one network of InceptionTime (Ismail Fawaz et al. 2020) without its classifier.

    Use it for time series of some hundred samples whose telling shapes may be short or long: beats, strides,
    windows of EEG. Not for a few dozen windows without a source to learn from: 420,000 weights are many.

    Each of the six modules narrows its input to `filters` channels, convolves these with each of the kernels,
    puts a convolution over the running maximum of the input beside them, and normalises; past every third one
    goes a shortcut:

    .. math:: m(x) = \mathrm{relu}(\mathrm{bn}([W_1 * Bx, W_2 * Bx, W_3 * Bx, W_4 \max_3 x])), \quad
        b(x) = \mathrm{relu}(m_3 m_2 m_1(x) + \mathrm{bn}(Sx))

    The mean over time of the last maps is the feature. The blocks are ``block1`` and ``block2``, of three
    modules each: a shortcut cannot be cut in two.

    Parameters
    ----------
    channels, samples : int
        Of a window; features do not depend on `samples`.
    filters : int, default 32
        Channels of the bottleneck and of each branch.
    depth : int, default 6
        Modules, a multiple of three.
    kernels : sequence of int, default (40, 20, 10)
        Samples of the convolutions; a kernel may be longer than a window, which is padded with zeros.

    Returns
    -------
    Sequential
        Windows (b, channels, samples) -> features (b, filters * (len(kernels) + 1)).

    Raises
    ------
    MedgraftError
        `depth` is no multiple of three, or a window is empty.

    Notes
    -----
    The paper's classifier is the mean of five such networks with other random weights; this is one.
    Cost: ``samples`` times the weights, 50 million multiplications for 128 samples.

    References
    ----------
    Ismail Fawaz et al. (2020), doi:10.1007/s10618-020-00710-y

    Examples
    --------
    >>> inception_time(channels=3, samples=100)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 128])
    """
    check_length("InceptionTime", samples, 1)
    if depth < MODULES or depth % MODULES:
        raise MedgraftError(
            f"depth={depth} does not fit InceptionTime: use a multiple of {MODULES}, such as 6."
        )
    wide = filters * (len(kernels) + 1)
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for i in range(depth // MODULES):
        parts[f"block{i + 1}"] = InceptionBlock(wide if i else channels, filters, kernels)
    parts["pool"], parts["flat"] = nn.AdaptiveAvgPool1d(1), nn.Flatten()
    return nn.Sequential(parts)
