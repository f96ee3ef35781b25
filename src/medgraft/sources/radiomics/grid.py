"""Grey levels on a grid, and the neighbours of a pixel or voxel."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Floats = NDArray[np.float64]
Levels = NDArray[np.intp]
Mask = NDArray[np.bool_]


def levels_of(values: Floats, mask: Mask, *, bins: int | None = None, width: float | None = None) -> Levels:
    r"""Return the grey level of each pixel or voxel, 1 and up; 0 outside the mask.

    With a number of bins, :math:`\lfloor n (x - x_{min}) / (x_{max} - x_{min}) \rfloor + 1`, the largest
    value being of level n: for values without units. With a width,
    :math:`\lfloor x / w \rfloor - \lfloor x_{min} / w \rfloor + 1`: for Hounsfield units and the like, where
    a step of a level means the same in each patient. Ends are those of the values inside the mask.

    Parameters
    ----------
    values : array
        Of 2 or 3 dimensions.
    mask : array of bool
        Of the same shape.
    bins : int, optional
    width : float, optional
        One of the two.

    Examples
    --------
    >>> x = np.array([[0.0, 5.0, 10.0]])
    >>> levels_of(x, x >= 0, bins=2).tolist(), levels_of(x, x > 1, width=5.0).tolist()
    ([[1, 2, 2]], [[0, 1, 2]])
    """
    inside = values[mask]
    out = np.zeros(values.shape, dtype=np.intp)
    if width is not None:
        raw = np.floor(inside / width)
        out[mask] = (raw - raw.min()).astype(np.intp) + 1
        if out.max() > 1000:
            raise MedgraftError(
                f"A width of {width:g} makes {out.max()} grey levels of an image: give more width, or bins."
            )
        return out
    count = bins or 32
    low, span = inside.min(), np.ptp(inside)
    level = np.floor(count * (inside - low) / span) + 1 if span > 0 else np.ones(len(inside))
    out[mask] = np.minimum(level, count).astype(np.intp)
    return out


def directions(dimensions: int) -> list[tuple[int, ...]]:
    """Return one of each pair of opposite neighbours: 4 in two dimensions, 13 in three.

    Examples
    --------
    >>> directions(2)
    [(0, 1), (1, -1), (1, 0), (1, 1)]
    """
    every = product((-1, 0, 1), repeat=dimensions)
    return [d for d in every if d > (0,) * dimensions]


def pairs(grid: Levels, step: tuple[int, ...]) -> tuple[Levels, Levels]:
    """Return two views of a grid: each pixel that has a neighbour at `step`, and that neighbour."""
    here = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(step, grid.shape, strict=True))
    there = tuple(slice(max(s, 0), n - max(-s, 0)) for s, n in zip(step, grid.shape, strict=True))
    return grid[here], grid[there]


def both_ways(grid: Levels) -> Iterator[tuple[tuple[slice, ...], Levels]]:
    """Yield, for each of the 8 or 26 neighbours, the place of those who have it, and the neighbour."""
    for step in directions(grid.ndim):
        for sign in (1, -1):
            s = tuple(sign * v for v in step)
            here = tuple(slice(max(-v, 0), n - max(v, 0)) for v, n in zip(s, grid.shape, strict=True))
            yield here, pairs(grid, s)[1]


def box(mask: Mask) -> tuple[slice, ...]:
    """Return the smallest box that holds a mask."""
    ends = [
        np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != k))) for k in range(mask.ndim)
    ]
    return tuple(slice(int(e[0]), int(e[-1]) + 1) for e in ends)


def entropy(p: Floats, axis: int | tuple[int, ...] | None = None) -> Floats:
    """Return the entropy of shares along axes, in bits; 0 log 0 is 0."""
    return np.asarray(-(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=axis))
