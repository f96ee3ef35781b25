"""Crops: the head in a slice, and the lungs in a radiograph, by thresholds and shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.cohort.quality.arrays import Array, check, grey, share, small
from medgraft.cohort.quality.box import Box, around, whole
from medgraft.cohort.quality.frames import largest
from medgraft.cohort.quality.registry import step


def find_brain(image: Array, margin: float = 0.02) -> Box:
    """Return the box of the head; see :func:`crop_brain`."""
    from scipy.ndimage import binary_fill_holes, binary_opening, gaussian_filter
    from skimage.filters import threshold_otsu

    check(image, "crop_brain")
    share(margin, "margin", "crop_brain")
    values, scale = small(grey(image))
    smooth = gaussian_filter(values, 0.008 * max(values.shape))
    if smooth.min() == smooth.max():
        return whole(image, "the image is of one value")
    lit = smooth > 0.4 * threshold_otsu(smooth)
    wide = max(1, round(0.02 * min(values.shape)))
    head = largest(binary_opening(binary_fill_holes(lit), iterations=wide))
    if head.mean() < 0.05:
        return whole(image, "no region is large enough to be a head")
    return around(head, image, scale, margin)


@step(find_brain)
def crop_brain(image: Array, margin: float = 0.02) -> Array:
    """Return a slice of a brain scan cut to the head.

    Use it on MR and CT slices shown on black, so that heads fill the image alike. It does not strip the
    skull:
    scalp, face and, in sagittal slices, the neck stay. Where the ground is not dark (inverted films,
    screenshots)
    it is of no use.

    The head is the largest region brighter than 0.4 of Otsu's threshold on a copy of at most 256 pixels a
    side, smoothed, with holes filled and bridges narrower than 4 % of the side cut.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    margin : float, default 0.02
        Around the head, as a share of its longer side.

    Returns
    -------
    ndarray
        A copy, of the same dtype; the whole image where no region covers 5 % of it.

    Raises
    ------
    MedgraftError
        The array is no image, or the margin is out of its range.

    Notes
    -----
    O(h w). Otsu (1979), doi:10.1109/TSMC.1979.4310076.

    Examples
    --------
    >>> y, x = np.mgrid[:90, :90]
    >>> head = np.where(np.hypot(y - 50, x - 40) < 25, 120, 3).astype(np.uint8)
    >>> box = find_brain(head, margin=0.0)
    >>> abs(box.top - 25) <= 2 and abs(box.right - 65) <= 2
    True
    """
    return find_brain(image, margin).of(image)


_SIDE = 160  # enough for lungs, and a search over 39 fields must be quick
# The levels at which lungs are looked for, as shares of the image's pixels that are darker.
_LEVELS = tuple(np.arange(0.12, 0.62, 0.04).round(2).tolist())
# Lungs are darker than what is around them, over these shares of the side, even where other parts of the film
# are darker still.
_AROUND = (0.1, 0.2)


_LEAST = 0.04  # contrast of lungs and what is between them, of which noise on a plain image has none


def find_lungs(image: Array, margin: float = 0.05) -> Box:
    """Return the box of both lungs; see :func:`crop_lungs`."""
    from scipy.ndimage import gaussian_filter

    check(image, "crop_lungs")
    share(margin, "margin", "crop_lungs")
    values, scale = small(grey(image), _SIDE)
    side = max(values.shape)
    smooth = gaussian_filter(values, 0.012 * side)
    fields = [smooth, *(smooth - gaussian_filter(smooth, a * side, mode="nearest") for a in _AROUND)]
    best, most = None, 0.0
    for field in fields:
        for level in np.quantile(field, _LEVELS):
            pair, worth = _pair(field < level)
            if pair is not None and worth > most and _contrast(smooth, pair) > _LEAST:
                best, most = pair, worth
    if best is None:
        return whole(image, "no two dark fields side by side are shaped like lungs")
    return around(best, image, scale, margin)


@step(find_lungs)
def crop_lungs(image: Array, margin: float = 0.05) -> Array:
    """Return a frontal chest radiograph cut to both lung fields.

    Use it where a network should not learn from arms, collimator edges and letters on the film. It is
    classical image processing: it needs two air-filled, dark fields with the brighter mediastinum in
    between, so it fails where a lung is white (effusion, large consolidation), on lateral films, on
    inverted ones (bone dark), and where a lung runs into the dark outside of the patient. Consolidated
    parts of a lung at its edge may lie outside of the crop, which removes what the label is about, and
    whether lungs are found depends on the label too: use a trained segmentation where that matters, and
    look at the boxes in the report.

    At levels that 12 to 60 % of the pixels are darker than, dark regions that do not touch the frame are
    looked at, opened by 1.5 % of the side; "dark" is the grey value, and its difference from the means
    around it over 10 and 20 % of the side. Two regions are taken for lungs when one lies left and the other
    right, their middles a fifth of the width apart, each covers 2 to 30 % of the image and a quarter of its
    height, neither is more than 3.5 times as large as the other, and they overlap vertically by half of the
    shorter one. Both are darker by 4 % of the range than the rest of the box around them. The pair whose area
    times overlap is the largest wins.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    margin : float, default 0.05
        Around both fields, as a share of the longer side of their box.

    Returns
    -------
    ndarray
        A copy, of the same dtype; the whole image where no lungs were found.

    Raises
    ------
    MedgraftError
        The array is no image, or the margin is out of its range.

    Notes
    -----
    On a copy of at most 160 pixels a side. Rules of this kind are reviewed by van Ginneken et al. (2001),
    doi:10.1109/42.974918.
    """
    return find_lungs(image, margin).of(image)


@dataclass(frozen=True)
class _Region:
    """A dark region: its number, share of the image, rows from top to bottom, and middle column."""

    k: int
    area: float
    top: int
    bottom: int
    middle: float


def _contrast(values: Array, mask: Array) -> float:
    """Return how much darker the brighter region of a mask is than the rest of the box around both."""
    from scipy.ndimage import label, mean

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    inside = mask[place]
    pieces, n = label(inside)
    return float(values[place][~inside].mean() - max(mean(values[place], pieces, np.arange(1, n + 1))))


def _pair(dark: Array) -> tuple[Array | None, float]:
    """Return the mask of the two dark regions that are most like lungs, and how much they are."""
    from scipy.ndimage import binary_fill_holes, binary_opening, label

    h, w = dark.shape
    pieces, n = label(binary_opening(dark, iterations=max(1, round(0.015 * min(h, w)))))
    framed = np.r_[pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]
    area = np.bincount(pieces.ravel(), minlength=n + 1) / pieces.size
    regions = []
    for k in np.setdiff1d(np.flatnonzero((area >= 0.02) & (area <= 0.3)), np.r_[0, framed]).tolist():
        rows, columns = np.nonzero(pieces == k)
        if rows[-1] + 1 - rows[0] >= 0.25 * h:
            regions.append(_Region(k, area[k], int(rows[0]), int(rows[-1]) + 1, float(columns.mean())))
    best, most = None, 0.0
    for a in regions:
        for b in regions:
            apart = b.middle - a.middle >= 0.2 * w and a.middle < 0.55 * w and b.middle > 0.45 * w
            overlap = min(a.bottom, b.bottom) - max(a.top, b.top)
            tall = overlap >= 0.5 * min(a.bottom - a.top, b.bottom - b.top)
            alike = max(a.area, b.area) <= 3.5 * min(a.area, b.area)
            if apart and tall and alike and (a.area + b.area) * overlap / h > most:
                best, most = (a.k, b.k), (a.area + b.area) * overlap / h
    return (None if best is None else np.asarray(binary_fill_holes(np.isin(pieces, best)))), most
