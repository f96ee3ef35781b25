"""From a volume to the tensor a network sees, the same for every method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Volume, open_sample
from medgraft.sources.grid import regrid
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.volumes import AXES, VolumeInput

if TYPE_CHECKING:
    import torch

_CT = -200.0  # below this no MR or PET goes, and every CT with air in it does
_SAMPLE = 2**20  # voxels from which percentiles are taken
SLICE_GRID = 64  # voxels a side where slices are to be of one spacing


@dataclass(frozen=True)
class VolumePreprocess:
    """Bring a volume to the grid and the scale of a 3-D network.

    Its axes run to the patient's right, front and top, however it was stored; background is 0.

    Parameters
    ----------
    given : VolumeInput
    side : int
        Voxels that the network was made for.
    """

    given: VolumeInput
    side: int

    seconds = 0.05  # CPU time of opening and preparing an ordinary volume, for plans

    @property
    def key(self) -> str:
        """Text that changes when the result could."""
        g = self.given
        return f"v1 volume {self.shape} spacing {g.spacing:g} window {g.window}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result: (1, x, y, z)."""
        return (1, *self.given.shape(self.side))

    def open(self, path: str) -> torch.Tensor:
        """Open a reference to a volume and prepare it."""
        return self(_opened(path, self.given))

    def __call__(self, volume: Volume) -> torch.Tensor:
        """Return a float32 tensor (1, x, y, z): standardised, or the window as 0 to 1."""
        import torch

        values = _windowed(volume.values, self.given)
        if values is None:
            values = _standardised(volume.values)
        shape = self.given.shape(self.side)
        return torch.from_numpy(_on_grid(values, volume, self.given.spacing, shape))[None]


@dataclass(frozen=True)
class SlicePreprocess:
    """Bring evenly spaced slices of a volume to a 2-D network.

    A slice is shown with the patient's front (or top) up and the right side to the right.

    Parameters
    ----------
    given : VolumeInput
    image : Preprocess
        What is done to each slice.
    """

    given: VolumeInput
    image: Preprocess

    seconds = 0.05

    @property
    def key(self) -> str:
        """Text that changes when the result could."""
        g = self.given
        grid = f" {g.shape(SLICE_GRID)} spacing {g.spacing:g}" if g.spacing else ""
        return f"v1 {g.slices} slices {g.axis} {g.pool}{grid} window {g.window}, {self.image.key}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result: (slices, channels, s, s)."""
        return (self.given.slices, *self.image.shape)

    def open(self, path: str) -> torch.Tensor:
        """Open a reference to a volume and prepare it."""
        return self(_opened(path, self.given))

    def __call__(self, volume: Volume) -> torch.Tensor:
        """Return a uint8 tensor (slices, channels, s, s)."""
        import torch
        from PIL import Image

        values = _windowed(volume.values, self.given)
        if values is None:
            values = _stretched(volume.values)
        if self.given.spacing:
            values = _on_grid(values, volume, self.given.spacing, self.given.shape(SLICE_GRID))
        axis = AXES[self.given.axis]
        planes = np.take(values, places(values.shape[axis], self.given.slices), axis=axis)
        grey = np.rint(255.0 * np.moveaxis(planes, axis, 0)).astype(np.uint8)
        shown = (Image.fromarray(np.ascontiguousarray(plane.T[::-1])) for plane in grey)
        return torch.stack([self.image(picture) for picture in shown])


def places(n: int, count: int) -> NDArray[np.intp]:
    """Return the middle places of `count` equal slabs of n slices; of fewer slices some come twice.

    Examples
    --------
    >>> places(12, 3).tolist(), places(2, 4).tolist()
    ([2, 6, 10], [0, 0, 1, 1])
    """
    return np.floor((np.arange(count) + 0.5) * n / count).astype(np.intp)


def _opened(path: str, given: VolumeInput) -> Volume:
    volume = open_sample("volume", path)
    if not isinstance(volume, Volume) or volume.values.size == 0:
        raise MedgraftError(f"The volume '{path}' holds no voxel.")
    lowest = float(np.fmin.reduce(volume.values, axis=None)) if given.window == "auto" else 0.0
    if lowest < _CT:
        raise MedgraftError(
            f"The volume '{path}' holds values down to {lowest:.0f}, as CT does, and there is no window: say "
            "--volumes window=40/80 (brain), 40/400 (abdomen) or -600/1500 (lung), or window=own for none."
        )
    return volume


def _windowed(values: NDArray[np.float32], given: VolumeInput) -> NDArray[np.float32] | None:
    """Return the window as 0 to 1; None where there is none."""
    bounds = given.bounds
    if bounds is None:
        return None
    low, high = bounds
    known = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.asarray(np.clip((known - low) / (high - low), 0.0, 1.0), np.float32)


def _standardised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give voxels that are not 0 mean 0 and standard deviation 1; the others stay 0."""
    inside = np.isfinite(values) & (values != 0)
    known = values[inside].astype(np.float64)
    out = np.zeros(values.shape, np.float32)
    if known.size and known.std() > 0:
        out[inside] = (known - known.mean()) / known.std()
    return out


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return percentiles 0.5 to 99.5 of the voxels that are not 0 as 0 to 1."""
    thin = values.ravel()[:: max(1, values.size // _SAMPLE)]
    known = thin[np.isfinite(thin) & (thin != 0)]
    low, high = np.percentile(known, [0.5, 99.5]) if known.size else (0.0, 0.0)
    if high <= low:
        return np.zeros(values.shape, np.float32)
    filled = np.nan_to_num(values, nan=0.0, posinf=high, neginf=low)
    return np.asarray(np.clip((filled - low) / (high - low), 0.0, 1.0), np.float32)


def _on_grid(
    values: NDArray[np.float32], volume: Volume, spacing: float, shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    if spacing:
        step = tuple(spacing / own for own in volume.spacing)
    else:
        step = tuple(n / m for n, m in zip(values.shape, shape, strict=True))
    return regrid(values, shape, step)
