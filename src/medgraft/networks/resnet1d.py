"""The residual network of time series."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from medgraft.networks.lengths import check_length, same

KERNELS = (8, 5, 3)  # samples of the three convolutions of a block


class ResidualBlock1d(nn.Module):
    """Three convolutions of 8, 5 and 3 samples with BatchNorm, and a shortcut past them.

    Parameters
    ----------
    given, wanted : int
        Channels in and out. Where they differ the shortcut is a convolution of one sample; it is normalised
        in any case.
    """

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        for i, k in enumerate(KERNELS, 1):
            parts[f"pad{i}"] = same(k)
            parts[f"conv{i}"] = nn.Conv1d(given if i == 1 else wanted, wanted, k, bias=False)
            parts[f"norm{i}"] = nn.BatchNorm1d(wanted)
            if i < len(KERNELS):
                parts[f"act{i}"] = nn.ReLU()
        self.path = nn.Sequential(parts)
        project = nn.Identity() if given == wanted else nn.Conv1d(given, wanted, 1, bias=False)
        self.shortcut = nn.Sequential(OrderedDict(conv=project, norm=nn.BatchNorm1d(wanted)))
        self.act = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, as long as its input."""
        y: torch.Tensor = self.act(self.path(x) + self.shortcut(x))
        return y


def resnet1d(channels: int, samples: int, widths: Sequence[int] = (64, 128, 128)) -> nn.Sequential:
    r"""Return the residual network for time series (Wang, Yan and Oates 2017) without its classifier.

    Use it as the plain and strong first choice for time series of some hundred samples, with a source to
    learn from. Not for long recordings: nothing in it shortens the series, and what it averages are looks at
    40 samples each.

    .. math:: b(x) = \mathrm{relu}(\mathrm{bn}\,W_3 * \mathrm{relu}(\mathrm{bn}\,W_5 *
        \mathrm{relu}(\mathrm{bn}\,W_8 * x)) + \mathrm{bn}(Sx))

    The mean over time of the last maps is the feature. The blocks are ``block1``, ``block2`` and ``block3``.

    Parameters
    ----------
    channels, samples : int
        Of a window; features do not depend on `samples`.
    widths : sequence of int, default (64, 128, 128)
        Channels of the blocks.

    Returns
    -------
    Sequential
        Windows (b, channels, samples) -> features (b, widths[-1]).

    Raises
    ------
    MedgraftError
        A window is empty.

    Notes
    -----
    Convolutions have no bias: the normalisation behind them takes it away again. Cost: ``samples`` times the
    weights, 65 million multiplications for 128 samples.

    References
    ----------
    Wang, Yan and Oates (2017), doi:10.1109/IJCNN.2017.7966039

    Examples
    --------
    >>> resnet1d(channels=12, samples=250)(torch.zeros(2, 12, 250)).shape
    torch.Size([2, 128])
    """
    check_length("The residual network", samples, 1)
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (given, wanted) in enumerate(zip([channels, *widths], widths, strict=False), 1):
        parts[f"block{i}"] = ResidualBlock1d(given, wanted)
    parts["pool"], parts["flat"] = nn.AdaptiveAvgPool1d(1), nn.Flatten()
    return nn.Sequential(parts)
