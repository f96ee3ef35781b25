"""Sliding windows: samples larger than what a network sees at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch

_MANY = 32  # windows whose answers are in memory at once
_SIGMA = 0.125  # of the Gaussian weight, in sides of the window


def starts(side: int, window: int, overlap: float) -> list[int]:
    """Return where windows begin along an axis: evenly, the last one at the end.

    Examples
    --------
    >>> starts(10, 4, 0.5), starts(3, 4, 0.5)
    ([0, 2, 4, 6], [0])
    """
    if side <= window:
        return [0]
    count = int(np.ceil((side - window) / max(window * (1.0 - overlap), 1.0))) + 1
    return [round(i * (side - window) / (count - 1)) for i in range(count)]


def bell(window: Sequence[int]) -> torch.Tensor:
    """Return the weight of each place of a window: Gaussian, 1 in the middle, never 0."""
    import torch

    weight = torch.ones(())
    for side in window:
        at = (torch.arange(side, dtype=torch.float32) - (side - 1) / 2) / (_SIGMA * side)
        weight = weight[..., None] * torch.exp(-0.5 * at**2)
    return weight.clamp_min(1e-4)


def slide(
    values: torch.Tensor,
    window: Sequence[int],
    network: Callable[[torch.Tensor], torch.Tensor],
    *,
    overlap: float = 0.5,
    device: torch.device | str = "cpu",
) -> torch.Tensor:
    r"""Apply a network to windows of a sample, and blend what it says about each place.

    With the windows :math:`w` that cover a place :math:`v`, the Gaussian weight :math:`g` of the place in the
    window and the scores :math:`s_w`: :math:`p(v) = \sum_w g_w(v)\, \mathrm{softmax}(s_w(v)) / \sum_w g_w(v)`
    (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z). For a network that looks at each place alone it
    equals the softmax of the whole.

    Parameters
    ----------
    values : tensor (c, ...)
        Two or three dimensions after the channels. Where it is smaller than the window it is filled up with
        zeros, which are cut off again.
    window : sequence of int
        Sides of the window.
    network : callable
        Batch (b, c, \*window) -> scores (b, K, \*window); a module in evaluation mode.
    overlap : float, default 0.5
        Share of the window that neighbours have in common; from 0 to below 1.
    device : torch device
        Where the network lies.

    Returns
    -------
    tensor (K, ...)
        Probabilities.

    Notes
    -----
    Cost: :math:`(1 - \text{overlap})^{-d}` times the network on the whole. Memory: K values a place.
    """
    import torch
    from torch.nn.functional import pad

    from medgraft.sources.forward import run_batches

    if not 0.0 <= overlap < 1.0:
        raise MedgraftError(f"overlap={overlap:g} is out of range: use a number from 0 to below 1.")
    sides = values.shape[1:]
    missing = [max(w - s, 0) for s, w in zip(sides, window, strict=True)]
    values = pad(values, [n for m in reversed(missing) for n in (0, m)])
    axes = (starts(s, w, overlap) for s, w in zip(values.shape[1:], window, strict=True))
    places = [
        tuple(slice(a, a + w) for a, w in zip(corner, window, strict=True)) for corner in product(*axes)
    ]
    weight = bell(window)
    total, mass = torch.zeros(1, *values.shape[1:]), torch.zeros(values.shape[1:])
    for first in range(0, len(places), _MANY):
        some = places[first : first + _MANY]
        found = run_batches(
            len(some),
            lambda i, some=some: values[(slice(None), *some[i])],  # type: ignore[misc]
            lambda batch: network(batch).float().softmax(dim=1),
            device=device,
        )
        for place, p in zip(some, found, strict=True):
            if not mass.any():
                total = torch.zeros(len(p), *values.shape[1:])
            total[(slice(None), *place)] += weight * p
            mass[place] += weight
    return (total / mass)[(slice(None), *(slice(s) for s in sides))]
