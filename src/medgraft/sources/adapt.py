"""Weights trained on three channels, used on one or four; on 224 pixels, used on others."""

from __future__ import annotations

import warnings
from math import isqrt

import torch
from torch import nn


def adapt_channels(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """Return a first-layer weight (out, in, h, w) or (out, in, d, h, w) for another number of input channels.

    One channel: the sum over the old ones, so that a grey image gives what its three equal channels gave.
    More channels: the old ones in turn, scaled by old / new, so that the response keeps its size.

    Parameters
    ----------
    weight : tensor (out, in, ...)
        The trained weight.
    channels : int
        The new number of channels.

    Examples
    --------
    >>> w = torch.ones(1, 3, 1, 1)
    >>> adapt_channels(w, 1).flatten().tolist(), adapt_channels(w, 4).flatten().tolist()
    ([3.0], [0.75, 0.75, 0.75, 0.75])
    """
    old = weight.shape[1]
    if channels == old:
        return weight
    if channels == 1:
        return weight.sum(dim=1, keepdim=True)
    turns = -(-channels // old)
    return weight.repeat(1, turns, *[1] * (weight.ndim - 2))[:, :channels] * (old / channels)


def adapt_norm(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Return means or deviations for another number of channels: the average, or the old ones in turn.

    Examples
    --------
    >>> adapt_norm((0.25, 0.5, 0.75), 1), adapt_norm((0.25, 0.5, 0.75), 4)
    ((0.5,), (0.25, 0.5, 0.75, 0.25))
    """
    if channels == len(values):
        return values
    if channels == 1:
        return (sum(values) / len(values),)
    return tuple(values[i % len(values)] for i in range(channels))


def adaptable(have: torch.Size, want: torch.Size) -> bool:
    """Whether two shapes differ in their input channels alone, as first layers do."""
    same = len(have) == len(want) in (4, 5) and have[0] == want[0] and have[2:] == want[2:]
    return same and have[1] in (1, 3)


def adapt_places(net: nn.Module, name: str, given: torch.Tensor, have: torch.Tensor) -> torch.Tensor | None:
    """Return what a vision transformer knows of places for another size of image, or None for other tensors.

    Positions of patches (1, n, d) are interpolated on their grid, bicubically, and those of class and
    register tokens stay (Dosovitskiy et al. 2021, arXiv:2010.11929, section 3.2); biases of relative
    positions (n, heads) likewise, where a window has another size.

    Parameters
    ----------
    net : Module
        The transformer for the new size.
    name : str
        Name of the tensor.
    given, have : tensor
        The trained tensor, and the one it is for.
    """
    from timm.layers import resample_abs_pos_embed, resize_rel_pos_bias_table

    leaf = name.rpartition(".")[2]
    if leaf in ("pos_embed", "pos_embedding") and given.ndim == have.ndim == 3:
        tokens = 0 if getattr(net, "no_embed_class", False) else int(getattr(net, "num_prefix_tokens", 1))
        old, new = given.shape[1] - tokens, have.shape[1] - tokens
        if isqrt(old) ** 2 != old or isqrt(new) ** 2 != new or given.shape[2] != have.shape[2]:
            return None
        side = isqrt(new)
        placed: torch.Tensor = resample_abs_pos_embed(given.float(), [side, side], num_prefix_tokens=tokens)
        return placed
    if leaf == "relative_position_bias_table" and given.shape[1:] == have.shape[1:]:
        side = (isqrt(len(have)) + 1) // 2
        if (2 * side - 1) ** 2 != len(have):
            return None
        with warnings.catch_warnings():  # the library interpolates in a way that it finds slow itself
            warnings.simplefilter("ignore")
            table: torch.Tensor = resize_rel_pos_bias_table(given.float(), (side, side), tuple(have.shape))
        return table
    return None
