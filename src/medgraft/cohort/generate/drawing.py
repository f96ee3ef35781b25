"""What the generated images show, as arrays from 0 to 1."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.generate.truth import Array

SHAPES = 4  # disk, square, ring, cross; more classes repeat them, smaller


def shape(kind: int, size: int, centre: tuple[float, float], radius: float) -> Array:
    """Return the mask of a disk (0), square (1), ring (2) or cross (3), bool (size, size).

    Examples
    --------
    >>> int(shape(1, 9, (4, 4), 1.0).sum())
    9
    """
    y, x = np.mgrid[:size, :size].astype(float)
    y, x = y - centre[0], x - centre[1]
    radius = radius / (1 + kind // SHAPES)
    far, box = np.hypot(y, x), np.maximum(abs(y), abs(x))
    if kind % SHAPES == 0:
        inside = far <= radius
    elif kind % SHAPES == 1:
        inside = box <= radius
    elif kind % SHAPES == 2:
        inside = (far <= radius) & (far >= 0.6 * radius)
    else:
        inside = (box <= radius) & (np.minimum(abs(y), abs(x)) <= 0.3 * radius)
    return np.asarray(inside, dtype=bool)


def shaped(kind: int, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return an image of one shape somewhere on a noisy ground, (size, size) in 0..1, and its mask."""
    radius = rng.uniform(0.18, 0.24) * size
    cy, cx = rng.uniform(0.35 * size, 0.65 * size, 2).tolist()
    mask = shape(kind, size, (cy, cx), radius)
    return 0.3 + 0.3 * mask + rng.normal(scale=0.05, size=(size, size)), mask


def textured(kind: int, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return stripes whose direction tells the class (45 degrees apart), and an empty mask."""
    y, x = np.mgrid[:size, :size] / size
    angle = np.pi / 4 * (kind % SHAPES)
    waves = 8 * (1 + kind // SHAPES) * (np.cos(angle) * x + np.sin(angle) * y)
    values = 0.45 + 0.15 * np.sin(2 * np.pi * (waves + rng.random()))
    return values + rng.normal(scale=0.05, size=(size, size)), np.zeros((size, size), dtype=bool)


CONTENTS = {"shape": shaped, "texture": textured}


def seen_at(values: Array, f: float) -> Array:
    """Return the image as a site with the share `f` of the shift takes it.

    Brighter by 0.15 f, contrast about the middle times 1 - 0.4 f, and a black border of round(0.08 f size)
    pixels; in the range 0..1.
    """
    out = np.clip(0.5 + (values - 0.5) * (1 - 0.4 * f) + 0.15 * f, 0, 1)
    border = border_of(values.shape[0], f)
    if border:
        out[:border] = out[-border:] = 0
        out[:, :border] = out[:, -border:] = 0
    return out


def border_of(size: int, f: float) -> int:
    """Return the width of the black border in pixels."""
    return round(0.08 * f * size)
