"""Samples and their masks, opened one at a time and brought to what networks read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError

Array = NDArray[Any]

_LOW, _HIGH = 0.5, 99.5  # percentiles between which the grey values of a volume lie
_MOST = 64  # values in a mask; more are no classes


@dataclass(frozen=True)
class Case:
    """A sample as opened.

    Attributes
    ----------
    values : array
        An image (c, h, w) of uint8, or a volume (x, y, z) of float32 in its file's units.
    spacing : tuple of float
        Distance of neighbouring voxels in mm; empty for an image.
    """

    values: Array
    spacing: tuple[float, ...] = ()

    @property
    def grid(self) -> tuple[int, ...]:
        """The shape that its mask has."""
        return self.values.shape if self.spacing else self.values.shape[1:]


def open_case(kind: str, ref: str, channels: int = 3) -> Case:
    """Open an image with so many channels, or a volume."""
    from medgraft.cohort.media import open_sample

    if kind == "image":
        from medgraft.cohort.images import decode_image

        image = decode_image(ref).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
        pixels = np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, channels)
        return Case(np.ascontiguousarray(np.moveaxis(pixels, 2, 0)))
    volume: Any = open_sample("volume", ref)
    return Case(volume.values, volume.spacing)


def open_mask(mask: Any) -> NDArray[np.int64]:
    """Open a reference to a mask, or take the mask itself.

    Raises
    ------
    InputError
        It holds something else than whole numbers, or more different ones than classes can be.
    """
    from medgraft.cohort.media import open_sample

    found = open_sample("mask", mask) if isinstance(mask, str) else mask
    values = np.asarray(found)
    if values.dtype.kind not in "iub" or values.ndim not in (2, 3):
        raise InputError(
            "A mask is a reference to a file, or whole numbers on its sample's grid, (h, w) or (x, y, z)."
        )
    return values.astype(np.int64)


def values_in(mask: Array, name: str) -> Array:
    """Return the different values of a mask; refuse what cannot be a mask."""
    values = np.unique(mask)
    if len(values) > _MOST:
        raise InputError(
            f"The mask of '{name}' has {len(values)} different values, so it is no mask: give one with a "
            f"whole number for each class, at most {_MOST}."
        )
    return values


def codes_of(mask: Array, classes: Array, case: Case, name: str) -> NDArray[np.uint8]:
    """Return the numbers of classes on the grid of a sample.

    Raises
    ------
    InputError
        The mask is of another shape than the sample.
    """
    if mask.shape != case.grid:
        sizes = " and ".join("x".join(map(str, shape)) for shape in (case.grid, mask.shape))
        raise InputError(f"'{name}' and its mask differ in size ({sizes}): they must be of one grid.")
    return np.searchsorted(classes, mask).astype(np.uint8)


def levels(values: Array) -> NDArray[np.float32]:
    """Return the grey values of a volume from 0 to 1, between its own low and high percentiles.

    Magnetic resonance has no units; voxels that are no numbers become 0.

    Examples
    --------
    >>> levels(np.linspace(-5.0, 5.0, 1001).reshape(7, 11, 13)).min()
    np.float32(0.0)
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros(values.shape, np.float32)
    low, high = np.percentile(known, [_LOW, _HIGH])
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1.0)
    return np.clip(scaled, 0.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Marked:
    """The rows that a segmentation may learn from.

    Attributes
    ----------
    kind : str
        ``"image"`` or ``"volume"``.
    refs : list of str
        References to samples.
    masks : list
        References to their masks, or the masks.
    classes : array of int
        Values of the masks, sorted; 0, the background, is one of them.
    share : array (n,)
        How much of each sample is not background.
    weight : array (n,)
        Positive weights.
    units : array (n,) of int
        Patients.
    """

    kind: str
    refs: list[str]
    masks: list[Any]
    classes: Array
    share: Floats
    weight: Floats
    units: Ints

    def open(self, i: int, channels: int = 3) -> tuple[Case, NDArray[np.uint8]]:
        """Return a sample, and the numbers of classes on its grid."""
        case = open_case(self.kind, self.refs[i], channels)
        return case, codes_of(open_mask(self.masks[i]), self.classes, case, self.refs[i])
