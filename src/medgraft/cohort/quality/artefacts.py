"""What lies on the tissue: hair, and the reflections of the lamp."""

from __future__ import annotations

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.quality.arrays import Array, check, share, small, unit
from medgraft.cohort.quality.fill import fill
from medgraft.cohort.quality.registry import step

_SIDE = 512  # the longest side at which hairs are looked for


@step()
def remove_hair(image: Array, width: int = 0, depth: float = 0.08, dilate: int = 1) -> Array:
    r"""Return a skin image with dark hairs painted over.

    Use it for dermatoscopy. It takes anything dark, thin and straight for hair: streaks and parts of a coarse
    pigment network go too; light hair stays. Look at the changed share in the report.

    A pixel is dark and thin where a grey-scale closing by some line of the length `width` exceeds, by more
    than `depth` in any channel, the closing by some line half as long: a hair is filled across, but not
    along. Lines have 8 directions. Of those pixels, hair is what a straight line of 2 `width` pixels fits
    into (an opening by lines of 16 directions). The hairs are filled by
    :func:`~medgraft.cohort.quality.fill.fill`.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    width : int, default 0
        The largest width of a hair in pixels; 0 means 4 % of the shorter side, 5 or more.
    depth : float, default 0.08
        How much darker than the skin, as a share of the range.
    dilate : int, default 1
        Pixels added around each hair, for its soft edge.

    Returns
    -------
    ndarray
        Of the same shape and dtype; pixels that are no hair stay to the bit.

    Raises
    ------
    MedgraftError
        The array is no image, or a setting is out of its range.

    Notes
    -----
    On a copy of at most 512 pixels a side: half a second there. After DullRazor, Lee et al. (1997),
    doi:10.1016/S0010-4825(97)00020-6, which interpolates along straight lines instead.

    Examples
    --------
    >>> skin = np.full((40, 40), 200, np.uint8)
    >>> skin[:, 20] = 60
    >>> int(remove_hair(skin).min())
    200
    """
    check(image, "remove_hair")
    share(depth, "depth", "remove_hair")
    if width < 0 or dilate < 0:
        raise MedgraftError("remove_hair needs width and dilate of 0 or more pixels.")
    return fill(image, hair(image, width, depth, dilate))


def hair(image: Array, width: int = 0, depth: float = 0.08, dilate: int = 1) -> Array:
    """Return the mask of :func:`remove_hair`, bool (h, w)."""
    from scipy.ndimage import binary_dilation, binary_opening, grey_closing
    from skimage.transform import resize

    values = unit(image).reshape(*image.shape[:2], -1)
    planes, scales = zip(*(small(values[..., c], _SIDE) for c in range(values.shape[2])), strict=True)
    shape, scale = planes[0].shape, scales[0]
    width = max(3, round(width / scale)) if width else max(5, round(0.04 * min(shape)))
    dark = np.zeros(shape, bool)
    for plane in planes:

        def closed(length: int, plane: Array = plane) -> list[Array]:
            return [grey_closing(plane, footprint=line, mode="reflect") for line in lines(length, 8)]

        along = np.min(closed(max(3, width // 2)), axis=0)
        dark |= np.max(closed(width), axis=0) - along > depth
    # Padded, because a hair does not end where the image does.
    padded = np.pad(dark, width, mode="symmetric")
    straight = np.zeros_like(padded)
    for line in lines(2 * width, 16):
        straight |= binary_opening(padded, line)
    mask: Array = straight[width:-width, width:-width]
    if scale > 1:
        mask = resize(mask, image.shape[:2], order=0)
        dilate += round(scale / 2)
    return binary_dilation(mask, np.ones((3, 3)), iterations=dilate) if dilate and mask.any() else mask


def lines(length: int, directions: int) -> list[Array]:
    """Return straight lines of about `length` pixels through the middle of a square, as masks.

    Examples
    --------
    >>> [line.astype(int).tolist() for line in lines(3, 2)]
    [[[0, 0, 0], [1, 1, 1], [0, 0, 0]], [[0, 1, 0], [0, 1, 0], [0, 1, 0]]]
    """
    half = max(1, length // 2)
    found = []
    for angle in np.pi * np.arange(directions) / directions:
        mask = np.zeros((2 * half + 1, 2 * half + 1), bool)
        # One pixel for each step along the axis that the line is nearer to, so that no line has gaps.
        longer = max(abs(np.sin(angle)), abs(np.cos(angle)))
        reach = round(half * longer)
        for k in range(-reach, reach + 1):
            y, x = half + round(k * np.sin(angle) / longer), half + round(k * np.cos(angle) / longer)
            mask[y, x] = True
        found.append(mask)
    return found


@step()
def remove_highlights(
    image: Array, bright: float = 0.85, pale: float = 0.3, contrast: float = 0.1, largest: float = 0.02
) -> Array:
    r"""Return an image of wet tissue with the reflections of the lamp painted over.

    Use it for endoscopy, colposcopy and photographs of the eye or mouth. White tissue as small and bright
    as a reflection goes too. Not for grey images such as radiographs, where bright is what is dense.

    A pixel is a highlight where, in HSV, V > `bright` and S < `pale`, and V exceeds the median of V around it
    (a window of a sixth of the shorter side) by `contrast`; connected pieces of more than the share `largest`
    of
    the image are left alone. One pixel is added around, and all are filled by
    :func:`~medgraft.cohort.quality.fill.fill`.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
        Grey images have S = 0.
    bright, pale, contrast, largest : float
        As above, from 0 to 1.

    Returns
    -------
    ndarray
        Of the same shape and dtype; pixels that are no highlight stay to the bit.

    Raises
    ------
    MedgraftError
        The array is no image, or a setting is out of its range.

    Notes
    -----
    O(h w), the median on a copy of at most 96 pixels a side. After Oh et al. (2007),
    doi:10.1016/j.media.2006.10.003.

    Examples
    --------
    >>> tissue = np.full((40, 40, 3), (180, 60, 60), np.uint8)
    >>> tissue[10:13, 10:13] = 255
    >>> np.unique(remove_highlights(tissue).reshape(-1, 3), axis=0).tolist()
    [[180, 60, 60]]
    """
    check(image, "remove_highlights")
    for name, value in (("bright", bright), ("pale", pale), ("contrast", contrast), ("largest", largest)):
        share(value, name, "remove_highlights")
    return fill(image, highlights(image, bright, pale, contrast, largest))


def highlights(
    image: Array, bright: float = 0.85, pale: float = 0.3, contrast: float = 0.1, largest: float = 0.02
) -> Array:
    """Return the mask of :func:`remove_highlights`, bool (h, w)."""
    from scipy.ndimage import binary_dilation, label, median_filter
    from skimage.transform import resize

    values = unit(image).reshape(*image.shape[:2], -1)
    top, least = values.max(axis=2), values.min(axis=2)
    saturation = (top - least) / np.maximum(top, 1e-6)
    reduced, _ = small(top, 96)  # the ground is smooth, and a median over many pixels is slow
    window = max(3, min(reduced.shape) // 6)
    ground = median_filter(reduced, size=window, mode="reflect")
    if ground.shape != top.shape:
        ground = resize(ground, top.shape, order=1, preserve_range=True)
    pieces, n = label((top > bright) & (saturation < pale) & (top - ground > contrast), np.ones((3, 3)))
    area = np.bincount(pieces.ravel(), minlength=n + 1)
    keep = area <= largest * top.size
    keep[0] = False
    mask = keep[pieces]
    return binary_dilation(mask, np.ones((3, 3))) if mask.any() else mask
