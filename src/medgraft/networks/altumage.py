"""AltumAge: age from DNA methylation."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from medgraft.networks.lengths import check_length

CPGS, LAYERS, EPS = 20318, 5, 1e-3


def altumage(channels: int = 1, samples: int = CPGS, width: int = 32) -> nn.Sequential:
    r"""Return AltumAge (de Lima Camillo, Lapierre and Singh 2022) without its last layer.

    Use it with the published weights, as the source for what changes with age or with disease in DNA
    methylation: the 20,318 CpG sites of the paper, in its order, as beta values scaled by the published
    centres and scales. Not with random weights, nor with other sites: the 650,000 weights of the first layer
    were learnt from thousands of samples.

    .. math:: h_0 = x, \quad h_i = \mathrm{selu}(W_i\,\mathrm{bn}_i(h_{i-1}) + b_i), \quad
        z = \mathrm{bn}_6(h_5)

    The published last layer, ``linear6``, makes the age in years of these features. Tensors are named
    ``bn1, linear1, ..., bn5, linear5, bn6``, as in the published weights.

    Parameters
    ----------
    channels, samples : int, default 1, 20318
        Of the input, which is flattened: usually one row of values.
    width : int, default 32
        Units of each layer; the published weights have 32.

    Returns
    -------
    Sequential
        Values (b, channels, samples) -> features (b, width).

    Raises
    ------
    MedgraftError
        There are no values.

    Notes
    -----
    Cost: ``samples * width`` multiplications, 0.65 million.

    References
    ----------
    de Lima Camillo, Lapierre and Singh (2022), doi:10.1038/s41514-022-00085-y

    Examples
    --------
    >>> import torch
    >>> altumage(samples=100)(torch.zeros(2, 1, 100)).shape
    torch.Size([2, 32])
    """
    check_length("AltumAge", samples, 1)
    given = channels * samples
    parts: OrderedDict[str, nn.Module] = OrderedDict(flat=nn.Flatten())
    for i in range(1, LAYERS + 1):
        parts[f"bn{i}"] = nn.BatchNorm1d(given, eps=EPS)
        parts[f"linear{i}"], parts[f"act{i}"] = nn.Linear(given, width), nn.SELU()
        given = width
    parts[f"bn{LAYERS + 1}"] = nn.BatchNorm1d(width, eps=EPS)
    return nn.Sequential(parts)
