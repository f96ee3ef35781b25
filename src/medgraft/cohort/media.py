"""Samples that are not cells of a table: what they are once opened, and who opens them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, Registry
from medgraft.cohort.ref import Ref

KINDS = ("image", "volume", "signal", "sequence", "omics", "mask")
PICTURES = ("image", "volume")  # what networks that see can read
ARRAYS = ("signal", "sequence", "omics")  # what 1-D networks and views can read
SEEN = (*PICTURES, *ARRAYS)


@dataclass(frozen=True, eq=False)
class Volume:
    """Values on a grid of voxels, and where the grid lies in the patient.

    Attributes
    ----------
    values : ndarray of float32, (x, y, z)
        In the file's units (Hounsfield units for CT); the axes run to the patient's right, anterior and
        superior side (RAS+), as far as the grid's directions allow.
    affine : ndarray of float64, (4, 4)
        From voxel indices to millimetres in RAS+.
    """

    values: NDArray[np.float32]
    affine: NDArray[np.float64]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along each axis, in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return x, y, z

    def resample(self, spacing: float | tuple[float, float, float], order: int = 1) -> Volume:
        """Return the volume on a grid of another spacing, over the same space.

        The first voxel keeps its centre. Use ``order=0`` for label maps (nearest voxel).

        Parameters
        ----------
        spacing : float or (3,)
            In mm.
        order : int, default 1
            Order of the spline: 0 nearest, 1 linear, 3 cubic.

        Raises
        ------
        MedgraftError
            The spacing is not positive, or so small that the result would be absurdly large.

        Examples
        --------
        >>> v = Volume(np.arange(8, dtype=np.float32).reshape(2, 2, 2), np.diag([2.0, 2.0, 2.0, 1.0]))
        >>> fine = v.resample(1.0)
        >>> fine.values.shape, fine.spacing, float(fine.values[1, 0, 0])
        ((3, 3, 3), (1.0, 1.0, 1.0), 2.0)
        """
        from scipy.ndimage import map_coordinates

        from medgraft.cohort.limits import check_size

        wanted = np.broadcast_to(np.asarray(spacing, float), (3,))
        if not np.all(np.isfinite(wanted) & (wanted > 0)):
            raise MedgraftError(f"A spacing is a positive number of millimetres, not {spacing}.")
        step = wanted / np.array(self.spacing)
        shape = np.floor((np.array(self.values.shape) - 1) / step + 1e-6).astype(int) + 1
        check_size(int(np.prod(shape.astype(object))), "the resampled volume")
        grid = np.stack(
            np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, step, strict=True)), indexing="ij")
        )
        values = map_coordinates(self.values, grid, order=order, mode="nearest")
        affine = self.affine.copy()
        affine[:3, :3] *= step
        return Volume(np.asarray(values, np.float32), affine)


@dataclass(frozen=True, eq=False)
class Signal:
    """Channels sampled in time.

    Attributes
    ----------
    values : ndarray of float32, (channels, samples)
    rate : float
        Samples a second.
    channels, units : tuple of str
        One for each channel; an unknown unit is ``""``.
    """

    values: NDArray[np.float32]
    rate: float
    channels: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.values.shape[1] / self.rate


@dataclass(frozen=True)
class Decoder:
    """How the references of a format are opened.

    Attributes
    ----------
    name : str
        Unique; the format's name, with the kind where a format has several.
    kind : str
        One of `KINDS`: what `open` gives. ``image``: PIL image, 8-bit L or RGB; ``volume``: `Volume`;
        ``mask``: array of int, (h, w) or (x, y, z); ``signal``: `Signal`; ``sequence``: str; ``omics``:
        float32, (p,).
    matches : callable
        From a `Ref` to whether this decoder opens it; cheap, and decided by content where possible.
    open : callable
        From a `Ref` to the sample. It may raise anything.
    """

    name: str
    kind: str
    matches: Callable[[Ref], bool]
    open: Callable[[Ref], object]


decoders: Registry[Decoder] = Registry("decoder", packages=("medgraft.cohort.formats",))


def add_decoder(entry: Decoder) -> Decoder:
    """Register a decoder under its name."""
    decoders.add(entry.name, entry)
    return entry


def find_decoder(kind: str, ref: Ref) -> Decoder | None:
    """Return the first decoder of a kind that takes a reference, or None."""
    return next((d for d in decoders.values() if d.kind == kind and d.matches(ref)), None)


def open_sample(kind: str, text: str) -> object:
    """Open a reference as an image, volume, signal, mask or row of omics.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    text : str
        The cell of a cohort's table.

    Raises
    ------
    MedgraftError
        No decoder takes it, or the file is missing, damaged or absurdly large; the message names it.
    """
    if kind == "sequence":
        return text.upper()
    if kind == "image":
        from medgraft.cohort.images import decode_image

        return decode_image(text)
    ref = Ref.parse(text)
    try:
        decoder = find_decoder(kind, ref)
        if decoder is not None:
            return decoder.open(ref)
    except MedgraftError:
        raise
    except Exception as error:  # decoders of arbitrary bytes fail in every way there is
        raise MedgraftError(
            f"The {kind} '{text}' cannot be decoded ({first_line(error)}): is it damaged, or of another "
            "format?"
        ) from error
    raise MedgraftError(f"The {kind} '{text}' is of no format that medgraft opens as a {kind}.")


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message, without a stop; its type where it has none."""
    try:
        text = str(error).strip().split("\n")[0]
    except Exception:  # liac-arff's own message fails on a line with a percent sign
        text = ""
    return (text[:200] or type(error).__name__).rstrip(".")
