"""Small changes of training samples, their masks turned along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

_ANGLE, _SHIFT, _ZOOM, _LEVEL = np.deg2rad(10.0), 0.05, 0.1, 0.1


def turned(
    x: torch.Tensor, codes: torch.Tensor, rng: np.random.Generator, *, flip: bool, white: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return randomly changed copies of samples, and of their masks, changed in the same way.

    Each is turned by up to 10 degrees (about each axis), shifted by up to 5 % of its size, zoomed by up to
    10 %, and its grey values are scaled and moved by up to 10 %. Outside, samples repeat their border, and
    masks are background.

    Parameters
    ----------
    x : tensor (b, c, h, w) or (b, c, x, y, z)
    codes : tensor (b, h, w) or (b, x, y, z) of uint8
    rng : numpy Generator
        Decides everything.
    flip : bool
        Also mirror half of them left to right (along the last axis of an image).
    white : float
        The brightest value, 255 or 1.
    """
    import torch
    from torch.nn.functional import affine_grid, grid_sample

    b, sizes = len(x), np.array(x.shape[2:])
    theta = np.stack([_one(rng, sizes, flip) for _ in range(b)])
    grid = affine_grid(torch.from_numpy(theta), list(x.shape), align_corners=False)
    x = grid_sample(x.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    masks = grid_sample(
        codes[:, None].float(), grid, mode="nearest", padding_mode="zeros", align_corners=False
    )
    gain, offset = (
        torch.from_numpy(v.astype(np.float32)).view(b, *[1] * (x.ndim - 1))
        for v in rng.uniform(-_LEVEL, _LEVEL, (2, b))
    )
    return (x * (1.0 + gain) + white * offset).clamp_(0.0, white), masks[:, 0].to(torch.uint8)


def _one(rng: np.random.Generator, sizes: Floats, flip: bool) -> Floats:
    """Draw one affine map, as `affine_grid` wants it: axes from the last to the first, half sizes as unit."""
    d = len(sizes)
    zoom = 1.0 + rng.uniform(-_ZOOM, _ZOOM)
    whole = np.eye(d)
    for a in range(d):
        for b in range(a + 1, d):
            angle = rng.uniform(-_ANGLE, _ANGLE)
            turn = np.eye(d)
            turn[[a, b], [a, b]] = np.cos(angle)
            turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
            whole = whole @ turn
    if flip and rng.random() < 0.5:
        whole[:, 0] *= -1.0
    half = sizes[::-1] / 2.0
    linear = zoom * whole * half[None, :] / half[:, None]  # a rotation in pixels, not in shares of the sides
    shift = rng.uniform(-2 * _SHIFT, 2 * _SHIFT, (d, 1))
    return np.concatenate([linear, shift], axis=1).astype(np.float32)
