"""A map of a network back on the voxels of the volume, against the way that the volume came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medgraft.sources.grid import regrid
from medgraft.sources.volume_preprocess import SLICE_GRID
from medgraft.sources.volumes import AXES

if TYPE_CHECKING:
    from medgraft.cohort.media import Volume
    from medgraft.sources.volume_preprocess import VolumePreprocess
    from medgraft.sources.volumes import VolumeInput


def from_volume(
    coarse: NDArray[np.float32], preprocess: VolumePreprocess, volume: Volume
) -> NDArray[np.float32]:
    """Return the map (x, y, z) of a 3-D network on the volume's voxels; 0 where the network saw nothing."""
    seen = preprocess.shape[1:]
    return _back(_squeezed(coarse, seen), preprocess.given.spacing, volume)


def from_slices(coarse: NDArray[np.float32], given: VolumeInput, volume: Volume) -> NDArray[np.float32]:
    """Return maps (k, h, w) of slices on the volume's voxels, linear between slices.

    A slice is shown transposed and upside down (see `SlicePreprocess`), and its map is turned back.
    """
    axis = AXES[given.axis]
    seen = given.shape(SLICE_GRID) if given.spacing else volume.values.shape
    turned = np.swapaxes(coarse[:, ::-1], 1, 2)  # (k, h, w) as shown -> (k, a, b) as the voxels lie
    stack = np.moveaxis(np.ascontiguousarray(turned), 0, axis)
    return _back(_squeezed(stack, tuple(seen)), given.spacing, volume)


def _squeezed(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate over the same space."""
    return regrid(values, shape, tuple(n / m for n, m in zip(values.shape, shape, strict=True)))


def _back(values: NDArray[np.float32], spacing: float, volume: Volume) -> NDArray[np.float32]:
    own = volume.values.shape
    if not spacing:
        return _squeezed(values, own)
    return regrid(values, own, tuple(mm / spacing for mm in volume.spacing))
