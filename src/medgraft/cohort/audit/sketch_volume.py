"""A volume as its three middle slices, and its grid."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.audit.sketches import area_means
from medgraft.cohort.media import Volume, open_sample

SIDE = 28
SIZE = 3 * SIDE * SIDE
DTYPE = np.float16
ALIKE = 0.995
SHAPE = None
CENTRE = False

FAMILIES = {
    "grid": ("spacing x", "spacing y", "spacing z", "size x", "size y", "size z"),
    "corners": ("corner mean", "corner sd"),
}


def sketch(text: str) -> tuple[NDArray[np.float16], dict[str, Any]]:
    """Return the middle slices along the three axes in 28 x 28 points each, and figures of the grid.

    Notes
    -----
    One volume is in memory at a time.
    """
    volume = open_sample("volume", text)
    if not isinstance(volume, Volume) or volume.values.ndim != 3 or volume.values.size == 0:
        raise MedgraftError(f"The volume '{text}' has not three dimensions.")
    values = volume.values
    small = [_shrink(np.take(values, n // 2, axis=axis)) for axis, n in enumerate(values.shape)]
    joined = np.concatenate([s.reshape(-1) for s in small])
    x, y, z = values.shape
    cx, cy, cz = (max(1, n // 10) for n in (x, y, z))
    ends = [(slice(c), slice(n - c, None)) for c, n in ((cx, x), (cy, y), (cz, z))]
    corners = np.concatenate([values[where].reshape(-1) for where in product(*ends)])
    facts = {f"spacing {axis}": round(s, 4) for axis, s in zip("xyz", volume.spacing, strict=True)}
    facts |= {f"size {axis}": float(n) for axis, n in zip("xyz", values.shape, strict=True)}
    facts |= {
        "corner mean": float(np.nan_to_num(corners).mean(dtype=float)),
        "corner sd": float(np.nan_to_num(corners).std(dtype=float)),
        "sd": float(np.std(np.nan_to_num(joined))),
    }
    return standard(joined), facts


def _shrink(plane: NDArray[Any]) -> NDArray[np.float64]:
    return area_means(area_means(np.asarray(plane, float), SIDE).T, SIDE).T


def standard(values: NDArray[Any]) -> NDArray[np.float16]:
    """Return values with mean 0 and standard deviation 1, zeros where they are constant."""
    wide = np.nan_to_num(np.asarray(values, float), posinf=0, neginf=0)
    wide = wide - wide.mean()
    scale = wide.std()
    return (wide / scale if scale > 1e-12 * (1 + abs(values).max()) else 0 * wide).astype(np.float16)
