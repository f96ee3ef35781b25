"""DICOM: from slices to a volume, in millimetres of the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats.dicom_pixels import Dataset, group, in_units, n_frames, read_whole, stored
from medgraft.cohort.formats.nifti_volume import canonical
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Volume

_SAME = 1e-3  # mm; slices nearer than this are at one position


def position(ds: Dataset, frame: int = 0) -> NDArray[np.float64] | None:
    """Return the centre of a frame's first pixel, (3,), in mm (LPS), or None."""
    own = group(ds, frame, "PlanePositionSequence") or ds
    return _vector(own.get("ImagePositionPatient"), 3)


def directions(ds: Dataset, frame: int = 0) -> NDArray[np.float64] | None:
    """Return the direction of rows and that of columns, (2, 3), or None."""
    own = group(ds, frame, "PlaneOrientationSequence") or ds
    found = _vector(own.get("ImageOrientationPatient"), 6)
    return None if found is None else found.reshape(2, 3)


def spacing(ds: Dataset, frame: int = 0) -> tuple[float, float]:
    """Return the distance of columns and that of rows, in mm; 1 where it is not said."""
    own = group(ds, frame, "PixelMeasuresSequence") or ds
    found = _vector(own.get("PixelSpacing") or ds.get("ImagerPixelSpacing"), 2)
    if found is None or not (found > 0).all():
        return 1.0, 1.0
    return float(found[1]), float(found[0])


def thickness(ds: Dataset) -> float:
    """Return the distance of slices that a header claims, in mm; 1 where it claims none."""
    own = group(ds, 0, "PixelMeasuresSequence") or ds
    for name in ("SpacingBetweenSlices", "SliceThickness"):
        found = _vector([own.get(name)] if own.get(name) else None, 1)
        if found is not None and found[0] > 0:
            return float(found[0])
    return 1.0


def heights(ds: list[Dataset]) -> NDArray[np.float64] | None:
    """Return where slices lie along their common normal, in mm; None where they do not say."""
    axes = directions(ds[0])
    places = [position(d) for d in ds]
    if axes is None or any(p is None for p in places):
        return None
    return np.asarray(places, float) @ np.cross(*axes)


def gaps(along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of neighbouring slices; unequal ones mean missing slices or a mixed series.

    Examples
    --------
    >>> gaps(np.array([0.0, 8.0, 4.0, 16.0])).tolist()
    [4.0, 4.0, 8.0]
    """
    return np.diff(np.sort(along))


def stack(paths: list[Path], where: str) -> Volume:
    """Return the volume of a series of single slices.

    Slices are sorted along the normal of the image plane. Where their distances differ, the mean distance
    stands for all; a gantry tilt is kept in the affine, as a shear.

    Raises
    ------
    MedgraftError
        Slices differ in size, or lie at one position (a time series, or several echoes).
    """
    slices = [read_whole(path) for path in paths]
    shapes = {(int(d.Rows), int(d.Columns)) for d in slices}
    if len(shapes) > 1:
        raise MedgraftError(f"The slices of the series {where} have different sizes: {sorted(shapes)}.")
    check_size(len(slices) * int(np.prod(shapes.pop())), where)
    along = heights(slices)
    if along is None or gaps(along).min() < _SAME:
        raise MedgraftError(
            f"The series {where} has slices without a position, or several at one (a time series, several "
            "echoes): read its slices with kind='image'."
        )
    order = np.argsort(along, kind="stable")
    planes = [in_units(slices[i], _grey(stored(slices[i], paths[i], 0), where)) for i in order]
    first, last = slices[order[0]], slices[order[-1]]
    step = (_known(position(last)) - _known(position(first))) / (len(slices) - 1)
    return _volume(np.stack(planes), first, 0, step, thickness(first))


def multiframe(path: Path) -> Volume:
    """Return the volume of a file with many frames; frames are sorted where they say where they lie."""
    ds = read_whole(path)
    values = _grey(stored(ds, path), str(path), axes=3)
    n = n_frames(ds)
    places = [position(ds, k) for k in range(n)]
    axes = directions(ds)
    order, step = np.arange(n), None
    if axes is not None and n > 1 and group(ds, 0, "PlanePositionSequence") is not None:
        along = np.asarray([_known(p) for p in places]) @ np.cross(*axes)
        if gaps(along).min() >= _SAME:
            order = np.argsort(along, kind="stable")
            step = (_known(places[order[-1]]) - _known(places[order[0]])) / (n - 1)
    planes = np.stack([in_units(ds, values[k], int(k)) for k in order])
    return _volume(planes, ds, int(order[0]), step, thickness(ds))


def segmentation(path: Path) -> NDArray[np.int64]:
    """Return a segmentation object as labels, (x, y, z): each frame's segment number where it is not 0."""
    ds = read_whole(path)
    values = _grey(stored(ds, path), str(path), axes=3)
    n = n_frames(ds)
    places = [position(ds, k) for k in range(n)]
    axes = directions(ds)
    along = np.arange(n, dtype=float)
    if axes is not None and all(p is not None for p in places):
        along = np.asarray(places, float) @ np.cross(*axes)
    levels = np.unique(np.round(along, 3))
    out = np.zeros((len(levels), *values.shape[1:]), np.float32)
    for k in range(n):
        own = group(ds, k, "SegmentIdentificationSequence")
        number = int(own.ReferencedSegmentNumber) if own is not None else 1
        plane = out[int(np.searchsorted(levels, np.round(along[k], 3)))]
        plane[values[k] > 0] = number
    volume = _volume(out, ds, 0, None, thickness(ds))
    return np.rint(volume.values).astype(np.int64)


def _volume(
    planes: NDArray[np.float32],
    ds: Dataset,
    frame: int,
    step: NDArray[np.float64] | None,
    distance: float,
) -> Volume:
    """Put planes (z, rows, columns) into the patient's space, in RAS+."""
    dx, dy = spacing(ds, frame)
    axes = directions(ds, frame)
    rows, columns = (np.eye(3)[0], np.eye(3)[1]) if axes is None else axes
    origin = position(ds, frame)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = rows * dx, columns * dy
    affine[:3, 2] = np.cross(rows, columns) * distance if step is None else step
    affine[:3, 3] = 0 if origin is None else origin
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's axes run to the left and to the back
    return canonical(np.ascontiguousarray(planes.transpose(2, 1, 0)), flip @ affine)


def _grey(values: NDArray[Any], where: str, axes: int = 2) -> NDArray[Any]:
    if axes == 3 and values.ndim == 2:
        values = values[None]
    if values.ndim != axes:
        raise MedgraftError(f"'{where}' is in colour, which no volume is: read it with kind='image'.")
    return values


def _known(place: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if place is None:
        raise MedgraftError("A frame does not say where it lies.")
    return place


def _vector(value: Any, n: int) -> NDArray[np.float64] | None:
    try:
        found = np.asarray(value, dtype=float).ravel()
    except (TypeError, ValueError):
        return None
    return found if len(found) == n and np.isfinite(found).all() else None
