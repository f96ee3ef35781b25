"""The cells into which a sample is cut to test a map, and what stands in them when they are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.explain.integrated_gradients import empty_like
from medgraft.methods.explain.scores import Scores

if TYPE_CHECKING:
    import torch

FLAT, DEEP, LONG = 14, 6, 28  # cells a side of an image, of a volume, and of a signal's time


def cells(pixels: torch.Tensor, scores: Scores) -> NDArray[np.intp]:
    """Return the cell of each place of the network's grid, numbered from 0."""
    sides = [pixels.shape[axis] for axis in _axes(scores, pixels.ndim)]
    counts = [min(n, most or n) for n, most in zip(sides, _most(scores, len(sides)), strict=True)]
    along = [np.arange(n) * m // n for n, m in zip(sides, counts, strict=True)]
    return np.ravel_multi_index(tuple(np.meshgrid(*along, indexing="ij")), counts)


def emptied(pixels: torch.Tensor, scores: Scores) -> torch.Tensor:
    """Return the sample without what a cell could hold: blurred, slices each in its plane, signals in time.

    Of sequences and omics, which have nothing between two letters or features, an empty one.
    """
    import torch
    from scipy.ndimage import gaussian_filter

    if scores.shown in ("sequence", "omics"):
        return empty_like(scores, pixels)
    sigma, axes = np.zeros(pixels.ndim), _axes(scores, pixels.ndim)
    for axis, most in zip(axes, _most(scores, len(axes)), strict=True):
        sigma[axis] = pixels.shape[axis] / most if most else 0.0
    if scores.slices:
        sigma[axes[0]] = 0.0
    return torch.from_numpy(gaussian_filter(pixels.cpu().numpy(), sigma, mode="nearest")).to(pixels.device)


def over_channels(places: torch.Tensor, scores: Scores) -> torch.Tensor:
    """Bring what is known of each place to the shape of a prepared sample, the same in all its channels."""
    if scores.shown == "signal":  # each channel has places of its own
        return places[None]
    return places.unsqueeze(1 if scores.slices else 0)[None]


def _most(scores: Scores, axes: int) -> tuple[int, ...]:
    """Return how many cells there may be along each axis; 0: as many as places."""
    if scores.shown == "signal":
        return 0, LONG
    if scores.shown in ("sequence", "omics"):
        return (0,)
    return (FLAT,) * 2 if axes == 2 else (DEEP,) * axes


def _axes(scores: Scores, ndim: int) -> tuple[int, ...]:
    """Return the axes of a prepared sample (1, ...) that are places."""
    if scores.shown == "signal":
        return 1, 2
    channels = 2 if scores.slices else 1
    return tuple(axis for axis in range(1, ndim) if axis != channels)
