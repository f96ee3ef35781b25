"""From frames that lie somewhere in space to a stack of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.cohort.formats import dicom_header as h

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SAME = 0.01  # mm between centres that are one position; difference of directions that are one


@dataclass(frozen=True)
class Frame:
    """One slice: where its pixels are stored, and where it lies.

    Attributes
    ----------
    file : path
    index : int
        Frame within the file.
    shape : (rows, columns)
    position : three floats or None
        Centre of the first pixel, mm, in DICOM's axes (left, posterior, superior).
    directions : six floats or None
        Of a row (increasing column), then of a column.
    spacing : (row distance, column distance) or None
    thickness : float or None
        Distance of slices where the positions do not tell it.
    turn : tuple
        Order in time: temporal position, echo, acquisition, instance, file, index.
    """

    file: Path
    index: int
    shape: tuple[int, int]
    position: tuple[float, ...] | None
    directions: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    thickness: float | None
    turn: tuple[float | str, ...]

    @property
    def placed(self) -> bool:
        """Whether it is known where the frame lies."""
        return self.position is not None and self.directions is not None


@dataclass(frozen=True)
class Stack:
    """Slices of one grid in the order of their positions.

    Attributes
    ----------
    frames : tuple of Frame
        One for each position.
    affine : ndarray, (4, 4)
        From (column, row, slice) to mm in RAS+. The slices are taken to be evenly spaced between the
        first and the last; a tilted gantry makes the axes oblique.
    distances : ndarray, (slices - 1,)
        Between neighbours along the normal, mm; empty where no positions are known.
    per_position : float
        Frames that lie at one position on average; more than 1 for a series in time.
    others : int
        Frames of another shape or direction, which are not in the stack.
    """

    frames: tuple[Frame, ...]
    affine: NDArray[np.float64]
    distances: NDArray[np.float64]
    per_position: float
    others: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows, slices."""
        rows, columns = self.frames[0].shape
        return columns, rows, len(self.frames)


def frames_of(header: Dataset, file: Path) -> list[Frame]:
    """Return the frames of a file; those of enhanced files have places of their own."""
    n = h.n_frames(header)
    shape = (h.whole(header, "Rows") or 0, h.whole(header, "Columns") or 0)
    shared = h.item(header, "SharedFunctionalGroupsSequence")
    own = h.get(header, "PerFrameFunctionalGroupsSequence") or ()
    keys = ("TemporalPositionIdentifier", "EchoNumbers", "AcquisitionNumber", "InstanceNumber")
    turn = tuple(number if (number := h.number(header, key)) is not None else 0.0 for key in keys)
    out = []
    for k in range(n):
        groups = [own[k] if k < len(own) else None, shared]
        places = [h.item(g, "PlanePositionSequence") for g in groups]
        planes = [h.item(g, "PlaneOrientationSequence") for g in groups]
        sizes = [h.item(g, "PixelMeasuresSequence") for g in groups]
        time = next((t for g in groups if (t := _time(g)) is not None), 0.0)
        # A position in the main header is that of the first frame at best.
        main = [header] if n == 1 else []
        out.append(
            Frame(
                file,
                k,
                shape,
                _first([*places, *main], "ImagePositionPatient", 3),
                _directions(_first([*planes, header], "ImageOrientationPatient", 6)),
                _positive(_first([*sizes, header], "PixelSpacing", 2))
                or _positive(h.numbers(header, "ImagerPixelSpacing", 2)),
                _thickness([*sizes, header]),
                (time or turn[0], *turn[1:], file.name, k),
            )
        )
    return out


def _first(items: Sequence[Dataset | None], keyword: str, count: int) -> tuple[float, ...] | None:
    found = (h.numbers(i, keyword, count) for i in items if i is not None)
    return next((value for value in found if value is not None), None)


def _time(group: Dataset | None) -> float | None:
    content = h.item(group, "FrameContentSequence")
    return None if content is None else h.number(content, "TemporalPositionIndex")


def _thickness(items: Sequence[Dataset | None]) -> float | None:
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        found = [h.number(i, keyword) for i in items if i is not None]
        for value in found:
            if value is not None and 0 < abs(value) < 1e4:
                return abs(value)  # some nuclear medicine writes the distance with a sign
    return None


def _positive(values: tuple[float, ...] | None) -> tuple[float, ...] | None:
    return values if values is not None and all(0 < v < 1e4 for v in values) else None


def _directions(values: tuple[float, ...] | None) -> tuple[float, ...] | None:
    """Return directions that are two perpendicular unit vectors; None for anything else."""
    if values is None:
        return None
    row, column = np.array(values[:3]), np.array(values[3:])
    right = abs(np.linalg.norm(row) - 1) < 0.02 and abs(np.linalg.norm(column) - 1) < 0.02
    return values if right and abs(row @ column) < 0.02 else None


def stack_of(frames: Sequence[Frame], whole: bool = False) -> Stack | None:
    """Return the stack that frames form, or None where they are single pictures.

    They form one when at least half of them have one shape and one direction, and lie at two or more
    positions. Of several at one position the first in time is taken.

    Parameters
    ----------
    frames : sequence of Frame
        Of one series.
    whole : bool, default False
        The frames are of one file, so they are a stack whether or not it is known where they lie.
    """
    same = _largest(frames)
    if not same or 2 * len(same) < len(frames) or not (whole or len(same) > 1):
        return None
    others = len(frames) - len(same)
    if all(f.placed for f in same):
        normal = _normal(same[0])
        at = [float(np.dot(f.position or (), normal)) for f in same]
        order = sorted(range(len(same)), key=lambda i: (at[i], same[i].turn))
        clusters: list[list[int]] = []
        for i in order:
            if clusters and at[i] - at[clusters[-1][-1]] < _SAME:
                clusters[-1].append(i)
            else:
                clusters.append([i])
        if len(clusters) > 1:
            firsts = [min(cluster, key=lambda i: same[i].turn) for cluster in clusters]
            chosen = tuple(same[i] for i in firsts)
            distances = np.diff([at[i] for i in firsts])
            return Stack(chosen, _affine(chosen), distances, len(same) / len(chosen), others)
    if not whole:
        return None
    in_turn = tuple(sorted(same, key=lambda f: f.index))
    return Stack(in_turn, _affine(in_turn), np.zeros(0), 1.0, others)


def _largest(frames: Sequence[Frame]) -> list[Frame]:
    alike: list[list[Frame]] = []
    for frame in frames:
        for known in alike:
            if known[0].shape == frame.shape and _parallel(known[0], frame):
                known.append(frame)
                break
        else:
            alike.append([frame])
    return max(alike, key=len, default=[])


def _parallel(a: Frame, b: Frame) -> bool:
    if a.directions is None or b.directions is None:
        return a.directions is b.directions
    return max(abs(x - y) for x, y in zip(a.directions, b.directions, strict=True)) < _SAME


def _normal(frame: Frame) -> NDArray[np.float64]:
    d = frame.directions or (1.0, 0, 0, 0, 1.0, 0)
    return np.cross(d[:3], d[3:])


def _affine(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return the affine from (column, row, slice) to RAS+; slices are evenly spaced from first to last."""
    first, last = frames[0], frames[-1]
    directions = first.directions or (1.0, 0, 0, 0, 1.0, 0)
    rows, columns = first.spacing or (1.0, 1.0)
    start = np.array(first.position or (0.0, 0, 0))
    end = np.array(last.position or start)
    step = (end - start) / max(1, len(frames) - 1)
    if np.linalg.norm(step) < _SAME:
        step = _normal(first) * (first.thickness or 1.0)
    affine = np.eye(4)
    affine[:3, 0] = np.array(directions[:3]) * columns
    affine[:3, 1] = np.array(directions[3:]) * rows
    affine[:3, 2] = step
    affine[:3, 3] = start
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def gaps(positions: ArrayLike) -> list[tuple[int, int]]:
    """Find slices that are missing from a stack.

    A gap is where a distance is a whole multiple (within a tenth) of the most usual one. Distances that
    merely vary, as in head CT with thin slices at the base, are no gaps.

    Parameters
    ----------
    positions : array, (n,) or (n, 3)
        Places along the normal, or points in space, mm, in order.

    Returns
    -------
    list of (int, int)
        The index of the slice before each gap, and how many are missing there.

    Examples
    --------
    >>> gaps([0, 3, 6, 15, 18]), gaps([0, 4, 8, 15, 22])
    ([(2, 2)], [])
    """
    points = np.asarray(positions, float).reshape(len(np.asarray(positions)), -1)
    distances = np.linalg.norm(np.diff(points, axis=0), axis=1)
    if len(distances) < 2:
        return []
    usual = float(np.median(distances))
    if usual < _SAME:
        return []
    times = distances / usual
    found = (times > 1.5) & (np.abs(times - np.rint(times)) < 0.1)
    return [(int(i), round(times[i]) - 1) for i in np.flatnonzero(found)]
