"""EEGNet: a few thousand weights for short windows of EEG."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from medgraft.networks.lengths import check_length, same

POOLS = (4, 8)  # samples averaged after the spatial and after the separable convolution
SEPARABLE = 16  # samples of the separable convolution: half a second after the first pooling


class MaxNormConv2d(nn.Conv2d):
    r"""Convolution whose filters are used with a norm of at most 1: :math:`w / \max(1, \lVert w \rVert)`.

    Parameters
    ----------
    As of ``torch.nn.Conv2d``.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the filtered maps."""
        norm = torch.linalg.vector_norm(self.weight.flatten(1), dim=1).clamp(min=1.0)
        return self._conv_forward(x, self.weight / norm.view(-1, 1, 1, 1), self.bias)


def eegnet(
    channels: int,
    samples: int,
    kernel: int = 64,
    f1: int = 8,
    depth: int = 2,
    f2: int = 16,
    dropout: float = 0.5,
) -> nn.Sequential:
    r"""Return EEGNet (version 4, Lawhern et al. 2018) without its classifier.

    Use it for windows of EEG of about a second with a fixed set of electrodes, and few patients: it has some
    two thousand weights. Not for long recordings, nor where the electrodes differ from patient to patient:
    its spatial filters are tied to their order.

    Filters in time, `f1` of them, are followed by `depth` spatial filters for each, which see all electrodes
    and whose norm is at most 1; then each of these is filtered in time once more, and they are mixed:

    .. math:: h = \mathrm{pool}_4(\mathrm{elu}(\mathrm{bn}(W_s * \mathrm{bn}(W_t * x)))), \quad
        z = \mathrm{pool}_8(\mathrm{elu}(\mathrm{bn}(W_p W_d * h)))

    The blocks are ``temporal``, ``spatial`` and ``separable``.

    Parameters
    ----------
    channels, samples : int
        Electrodes, and samples of a window.
    kernel : int, default 64
        Samples of the filters in time: half the sampling rate, 64 at the 128 Hz of the paper. Pooling and the
        second filter stay those of 128 Hz: resample to about this rate.
    f1, depth, f2 : int, default 8, 2, 16
        Filters in time, spatial filters for each, and mixtures (F1, D and F2 of the paper).
    dropout : float, default 0.5
        For training on one patient; the paper has 0.25 for training across patients.

    Returns
    -------
    Sequential
        Windows (b, channels, samples) -> features (b, f2 * (samples // 4 // 8)).

    Raises
    ------
    MedgraftError
        A window has fewer than 32 samples.

    Notes
    -----
    The paper cuts the spatial filters back to norm 1 after each step of training; here they are divided by
    their norm where they are used, which is the same network for weights that are within the bound. Cost:
    ``f1 * channels * samples * kernel`` multiplications, 4 million for 64 electrodes and 128 samples.

    References
    ----------
    Lawhern et al. (2018), doi:10.1088/1741-2552/aace8c

    Examples
    --------
    >>> eegnet(channels=64, samples=128)(torch.zeros(2, 64, 128)).shape
    torch.Size([2, 64])
    """
    check_length("EEGNet", samples, POOLS[0] * POOLS[1])
    wide = f1 * depth
    separable = OrderedDict(
        pad=same(SEPARABLE),
        depthwise=nn.Conv2d(wide, wide, (1, SEPARABLE), groups=wide, bias=False),
        pointwise=nn.Conv2d(wide, f2, 1, bias=False),
    )
    return nn.Sequential(
        OrderedDict(
            maps=nn.Unflatten(1, (1, channels)),
            pad=same(kernel),
            temporal=nn.Conv2d(1, f1, (1, kernel), bias=False),
            norm1=nn.BatchNorm2d(f1),
            spatial=MaxNormConv2d(f1, wide, (channels, 1), groups=f1, bias=False),
            norm2=nn.BatchNorm2d(wide),
            act2=nn.ELU(),
            pool2=nn.AvgPool2d((1, POOLS[0])),
            drop2=nn.Dropout(dropout),
            separable=nn.Sequential(separable),
            norm3=nn.BatchNorm2d(f2),
            act3=nn.ELU(),
            pool3=nn.AvgPool2d((1, POOLS[1])),
            drop3=nn.Dropout(dropout),
            flat=nn.Flatten(),
        )
    )
