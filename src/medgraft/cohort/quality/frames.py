"""Crops: a black frame, and the round field of a fundus camera."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.quality.arrays import Array, check, share, small, unit
from medgraft.cohort.quality.box import Box, whole
from medgraft.cohort.quality.registry import step


def find_border(image: Array, level: float = 0.06, specks: float = 0.01) -> Box:
    """Return the box of what is within a black frame; see :func:`crop_border`."""
    check(image, "crop_border")
    share(level, "level", "crop_border")
    share(specks, "specks", "crop_border")
    values = unit(image)
    lit: Array = (values if values.ndim == 2 else values.max(axis=2)) > level
    top, left, bottom, right = 0, 0, lit.shape[0], lit.shape[1]
    while True:
        part = lit[top:bottom, left:right]
        rows = np.flatnonzero(part.mean(axis=1) > specks).tolist()
        columns = np.flatnonzero(part.mean(axis=0) > specks).tolist()
        if not rows or not columns:
            return whole(image, "the image is black")
        bottom, right = top + rows[-1] + 1, left + columns[-1] + 1
        top, left = top + rows[0], left + columns[0]
        if part.shape == (bottom - top, right - left):
            return Box(top, left, bottom, right)


@step(find_border)
def crop_border(image: Array, level: float = 0.06, specks: float = 0.01) -> Array:
    """Return the image without the black lines along its edges.

    Use it for scans and screenshots with a black frame of any width on any side, which would otherwise tell
    the site from the image. A dark part of the patient that reaches along a whole edge goes too.

    Lines at the edge are cut as long as no more than the share `specks` of their pixels is brighter than
    `level`, until no such line is left; so cutting twice is cutting once. Lines within the image stay.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
        The brightest channel counts.
    level : float, default 0.06
        As a share of the range (15 of 255): what JPEG leaves of black is below.
    specks : float, default 0.01

    Returns
    -------
    ndarray
        A copy, of the same dtype; the whole image where all of it is black.

    Raises
    ------
    MedgraftError
        The array is no image, or a setting is out of its range.

    Notes
    -----
    O(h w), times the number of rounds, which is two as a rule.

    Examples
    --------
    >>> framed = np.pad(np.full((4, 5), 90, np.uint8), ((1, 2), (3, 0)))
    >>> crop_border(framed).shape
    (4, 5)
    """
    return find_border(image, level, specks).of(image)


def find_fundus(image: Array, level: float = 0.03, margin: float = 0.0) -> Box:
    """Return the box of a fundus camera's round field; see :func:`crop_fundus`."""
    box, _ = _fundus(image, level, margin)
    return box


@step(find_fundus)
def crop_fundus(image: Array, level: float = 0.03, margin: float = 0.0, outside: bool = False) -> Array:
    r"""Return a fundus photograph cut to the box around its round field of view.

    Use it to bring the retina to one scale whatever black margin the camera leaves, also where the field is
    cut off above and below. Not for wide-field images, whose field is no circle.

    The ground is what the four corners show; pixels brighter by `level` than 99 % of it are lit. A circle
    is fitted to the corners of the convex hull of the largest lit region, leaving out those on the image's
    edge, by least squares with a Cauchy loss: shadows lie inside the hull and notches are outliers, so
    neither moves the circle much. Where none fits, an ellipse along the image's axes does, as images
    squeezed into a square have. The crop is the box of the circle, as far as the image goes.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    level : float, default 0.03
        As a share of the range.
    margin : float, default 0
        Around the circle, as a share of its diameter.
    outside : bool, default False
        Also paint black what lies outside the circle (marks and notches).

    Returns
    -------
    ndarray
        A copy, of the same dtype; the whole image where no circle was found: corners that are not dark, too
        little lit, a radius below a fifth or above the whole of the longer side, or a hull that is not round
        (half
        of its corners are off by 2 % of the radius).

    Raises
    ------
    MedgraftError
        The array is no image, or a setting is out of its range.

    Notes
    -----
    On a copy of at most 256 pixels a side, so boxes of large images are right to about a 200th of the side.

    Examples
    --------
    >>> y, x = np.mgrid[:100, :140]
    >>> eye = np.where(np.hypot(y - 50, x - 70) < 40, 150, 0).astype(np.uint8)
    >>> box = find_fundus(eye)
    >>> abs(box.bottom - box.top - 80) <= 2, abs(box.left - 30) <= 2
    (True, True)
    """
    box, field = _fundus(image, level, margin)
    out = image.copy()
    if outside and field is not None:
        y, x = np.ogrid[: image.shape[0], : image.shape[1]]
        out[((y - field[0]) / field[2]) ** 2 + ((x - field[1]) / field[3]) ** 2 > 1] = image.min()
    return box.of(out)


def _fundus(image: Array, level: float, margin: float) -> tuple[Box, Array | None]:
    from scipy.ndimage import binary_fill_holes, binary_opening

    check(image, "crop_fundus")
    share(level, "level", "crop_fundus")
    share(margin, "margin", "crop_fundus")
    values = unit(image)
    values, scale = small(values if values.ndim == 2 else values.max(axis=2))
    h, w = values.shape
    c = max(1, round(0.03 * min(h, w)))
    corners = [values[:c, :c], values[:c, -c:], values[-c:, :c], values[-c:, -c:]]
    ground = np.concatenate([corner.ravel() for corner in corners])
    if np.median(ground) > 0.15:
        return whole(image, "the corners are not dark"), None
    lit = binary_opening(values > np.percentile(ground, 99) + level, np.ones((3, 3)))
    lit = binary_fill_holes(largest(lit))
    if lit.mean() < 0.1:
        return whole(image, "too little of the image is lit"), None
    ellipse = _ellipse(lit)
    if ellipse is None:
        return whole(image, "what is lit is not round"), None
    y, x, ry, rx = (ellipse + 0.5) * scale - np.array([0.5, 0.5, 0, 0])
    more = 2 * margin * max(ry, rx)
    box = Box(
        max(0, int(np.floor(y - ry - more + 0.5))),
        max(0, int(np.floor(x - rx - more + 0.5))),
        min(image.shape[0], int(np.ceil(y + ry + more + 0.5))),
        min(image.shape[1], int(np.ceil(x + rx + more + 0.5))),
    )
    return box, np.array([y, x, ry, rx])


def _ellipse(lit: Array) -> Array | None:
    """Return the ellipse (y, x, half height, half width) around a region, or None where it is not round.

    A circle where one fits: an arc that the image cuts off does not tell an ellipse from a circle.
    """
    from scipy.optimize import least_squares
    from scipy.spatial import ConvexHull, QhullError

    points = np.argwhere(lit).astype(float)
    try:
        points = points[ConvexHull(points).vertices]
    except QhullError:
        return None
    last = np.array(lit.shape) - 1
    points = points[((points > 1) & (points < last - 1)).all(axis=1)]
    if len(points) < 8:
        return None

    def off(fit: Array) -> Array:
        """Return how far the points are from the curve, about in pixels."""
        ry, rx = fit[2], fit[-1]
        far = np.hypot((points[:, 0] - fit[0]) / ry, (points[:, 1] - fit[1]) / rx)
        return np.asarray((far - 1) * (ry + rx) / 2)

    side = max(lit.shape)
    low, high = np.argwhere(lit).min(axis=0), np.argwhere(lit).max(axis=0)
    middle, half = (low + high) / 2, (high + 1 - low) / 2
    for radii in ([half.max()], half):
        fit = np.r_[middle, radii]
        # First so that far points pull the curve near, then so that those still far count little.
        for scale in (0.05, 0.005):
            fit = least_squares(off, fit, loss="cauchy", f_scale=scale * side).x
        ry, rx = float(fit[2]), float(fit[-1])
        good = 0.2 * side < min(ry, rx) and max(ry, rx) < min(side, 1.6 * min(ry, rx))
        if good and np.median(np.abs(off(fit))) < 0.02 * min(ry, rx):
            return np.array([fit[0], fit[1], ry, rx])
    return None


def largest(mask: Array) -> Array:
    """Return the largest connected region of a mask."""
    from scipy.ndimage import label

    pieces, n = label(mask)
    if n == 0:
        return mask
    area = np.bincount(pieces.ravel())
    area[0] = 0
    return np.asarray(pieces == area.argmax())
