"""How well two masks agree: overlap, and the distance of their surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Floats = NDArray[np.float64]


def dice(truth: Any, found: Any, classes: Sequence[int] | NDArray[Any]) -> Floats:
    r"""Dice coefficient of each class: :math:`2 |A \cap B| / (|A| + |B|)`, from 0 to 1.

    Use it as the first figure of a segmentation. Not alone: it says nothing about where a border is wrong,
    and falls faster for small objects; see `hd95`.

    Parameters
    ----------
    truth, found : arrays of int, of one shape
        Masks.
    classes : sequence of int, length K
        Values to compare; leave the background out.

    Returns
    -------
    array (K,)
        A class in neither mask has 1: nothing was there, and nothing was drawn. One in a single mask has 0.

    Raises
    ------
    MedgraftError
        The masks differ in shape.

    Notes
    -----
    Dice 1945, doi:10.2307/1932409; on empty masks: Maier-Hein et al. 2024, doi:10.1038/s41592-023-02151-z.

    Examples
    --------
    >>> dice([[0, 1, 1, 0]], [[0, 0, 1, 1]], [1, 2])
    array([0.5, 1. ])
    """
    both, first, second = _counts(truth, found, classes)
    size = first + second
    return np.where(size > 0, 2.0 * both / np.maximum(size, 1), 1.0)


def iou(truth: Any, found: Any, classes: Sequence[int] | NDArray[Any]) -> Floats:
    r"""Intersection over union of each class: :math:`|A \cap B| / |A \cup B|`, from 0 to 1.

    It orders two segmentations of one sample as Dice does: :math:`J = D / (2 - D)`. Arguments, empty masks
    and errors as in `dice`.

    Notes
    -----
    Jaccard 1912, doi:10.1111/j.1469-8137.1912.tb05611.x.

    Examples
    --------
    >>> iou([[0, 1, 1, 0]], [[0, 0, 1, 1]], [1]).round(3)
    array([0.333])
    """
    both, first, second = _counts(truth, found, classes)
    union = first + second - both
    return np.where(union > 0, both / np.maximum(union, 1), 1.0)


def hd95(
    truth: Any,
    found: Any,
    classes: Sequence[int] | NDArray[Any],
    spacing: float | Sequence[float] = 1.0,
) -> Floats:
    r"""95th percentile of the distances between the surfaces of each class, in the units of the spacing.

    With the surfaces S and T (places of a mask that have a neighbour, across a face, outside it; the border
    of the sample counts as outside) it is

    .. math:: \max(P_{95}\{d(s, T) : s \in S\}, P_{95}\{d(t, S) : t \in T\}).

    The largest distance itself hangs on a single voxel; the percentile does not.

    Use it beside `dice`, where the place of a border matters. Not to compare samples of unlike resolution.

    Parameters
    ----------
    truth, found : arrays of int, of one shape
        Masks.
    classes : sequence of int, length K
        Values to compare.
    spacing : float or sequence of float, default 1
        Distance of neighbouring places along each axis, in mm; 1: the distance is in pixels.

    Returns
    -------
    array (K,)
        A class in neither mask has 0. One in a single mask has the diagonal of the sample, the greatest
        distance that could be: leaving it out would reward a method for drawing nothing.

    Raises
    ------
    MedgraftError
        The masks differ in shape, or the spacing has another number of axes or is not positive.

    Notes
    -----
    Huttenlocher et al. 1993, doi:10.1109/34.232073; Maier-Hein et al. 2024, doi:10.1038/s41592-023-02151-z.
    Cost: two distance transforms of the box around both masks for each class.

    Examples
    --------
    >>> a = np.zeros((1, 9), int)
    >>> a[0, 2] = 1
    >>> hd95(a, np.roll(a, 3), [1], spacing=(1.0, 0.5))
    array([1.5])
    """
    a, b = _pair(truth, found)
    step = np.broadcast_to(np.asarray(spacing, float), (a.ndim,)) if np.ndim(spacing) == 0 else spacing
    step = np.asarray(step, float)
    if step.shape != (a.ndim,) or not np.all(np.isfinite(step) & (step > 0)):
        raise MedgraftError(f"The spacing of masks of {a.ndim} axes is {a.ndim} positive numbers.")
    diagonal = float(np.linalg.norm(np.array(a.shape) * step))
    return np.array([_far(a == k, b == k, step, diagonal) for k in classes])


def _far(a: NDArray[np.bool_], b: NDArray[np.bool_], step: Floats, diagonal: float) -> float:
    from scipy.ndimage import binary_erosion, distance_transform_edt

    if not a.any() or not b.any():
        return diagonal if a.any() or b.any() else 0.0
    places = np.argwhere(a | b)
    box = tuple(slice(low, high + 1) for low, high in zip(places.min(0), places.max(0), strict=True))
    a, b = a[box], b[box]  # both surfaces lie in it, so that no distance changes
    surfaces = [mask & ~binary_erosion(mask) for mask in (a, b)]
    far = [distance_transform_edt(~surface, sampling=step) for surface in surfaces]
    return float(max(np.percentile(far[1][surfaces[0]], 95), np.percentile(far[0][surfaces[1]], 95)))


def _counts(truth: Any, found: Any, classes: Sequence[int] | NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    a, b = _pair(truth, found)

    def count(mask: NDArray[np.bool_]) -> float:
        return float(np.count_nonzero(mask))

    counts = [(count((a == k) & (b == k)), count(a == k), count(b == k)) for k in classes]
    both, first, second = np.array(counts, dtype=float).reshape(-1, 3).T
    return both, first, second


def _pair(truth: Any, found: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    a, b = np.asarray(truth), np.asarray(found)
    if a.shape != b.shape:
        raise MedgraftError(f"Masks to compare are of one shape, not {a.shape} and {b.shape}.")
    return a, b
