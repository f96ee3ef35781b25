"""Channels: weights trained on three, used on one or four."""

from __future__ import annotations

import torch


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
