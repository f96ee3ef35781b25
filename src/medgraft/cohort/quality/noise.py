"""Noise: the median and the Wiener filter."""

from __future__ import annotations

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.quality.arrays import Array, back, check, odd
from medgraft.cohort.quality.registry import step


@step()
def median(image: Array, size: int = 3) -> Array:
    """Return the image with each pixel replaced by the median around it.

    Use it against single wrong pixels (salt and pepper). Lines thinner than half of the window vanish too, so
    keep it small where vessels or hairlines matter.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
        Colour channels are filtered one by one.
    size : int, default 3
        Side of the window in pixels, odd. Beyond the edge the image is mirrored.

    Returns
    -------
    ndarray
        Of the same shape and dtype; its values are values of the image.

    Raises
    ------
    MedgraftError
        The array is no image, or the size is even.

    Notes
    -----
    O(h w size). Huang, Yang & Tang (1979), doi:10.1109/TASSP.1979.1163188; by scipy.

    Examples
    --------
    >>> dot = np.zeros((5, 5), np.uint8)
    >>> dot[2, 2] = 255
    >>> int(median(dot).max())
    0
    """
    from scipy.ndimage import median_filter

    check(image, "median")
    size = odd(size, "size", "median")
    window = (size, size) if image.ndim == 2 else (size, size, 1)
    return np.asarray(median_filter(image, size=window, mode="reflect"), dtype=image.dtype)


@step()
def wiener(image: Array, size: int = 5, noise: float | None = None) -> Array:
    r"""Return the image smoothed where it varies no more than noise does, and kept where it varies more.

    Use it against noise of one variance everywhere, such as that of electronics. Not against speckle or
    salt and pepper.

    With the mean m and variance s2 of the window around a pixel, v becomes
    m + max(s2 - n2, 0) / max(s2, n2) (v - m), where n2 is the variance of the noise: the linear estimate of
    least squared error for a signal of variance s2 - n2. Without noise it is the identity.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
        Colour channels are filtered one by one.
    size : int, default 5
        Side of the window in pixels, odd. Beyond the edge the image is mirrored.
    noise : float, optional
        Standard deviation of the noise in the image's grey values. By default estimated by
        :func:`noise_level`.

    Returns
    -------
    ndarray
        Of the same shape and dtype.

    Raises
    ------
    MedgraftError
        The array is no image, the size is even, or the noise is negative.

    Notes
    -----
    O(h w). Lee (1980), doi:10.1109/TPAMI.1980.4766994; Lim (1990), Two-Dimensional Signal and Image
    Processing, p. 548.

    Examples
    --------
    >>> ramp = np.arange(16, dtype=np.uint8).reshape(4, 4)
    >>> bool((wiener(ramp, noise=0.0) == ramp).all())
    True
    """
    from scipy.ndimage import uniform_filter

    check(image, "wiener")
    size = odd(size, "size", "wiener")
    if noise is not None and not noise >= 0:
        raise MedgraftError(f"wiener needs noise of 0 or more, not {noise}.")
    values = image.astype(np.float64)
    planes = values[..., None] if image.ndim == 2 else values
    out = np.empty_like(planes)
    for c in range(planes.shape[2]):
        plane = planes[..., c]
        n2 = (noise_level(plane) if noise is None else noise) ** 2
        mean = uniform_filter(plane, size, mode="reflect")
        # About the plane's mean, or large offsets (raw CT) would cancel all digits.
        spread = plane - plane.mean()
        s2 = uniform_filter(spread**2, size, mode="reflect") - (mean - plane.mean()) ** 2
        gain = np.maximum(s2 - n2, 0) / np.maximum(np.maximum(s2, n2), 1e-300)
        out[..., c] = mean + gain * (plane - mean) if n2 > 0 else plane
    return back(out[..., 0] if image.ndim == 2 else out, image)


def noise_level(image: Array) -> float:
    r"""Return the standard deviation of the noise in an image, assumed Gaussian and equal everywhere.

    The mean absolute value of the image under the mask [[1, -2, 1], [-2, 4, -2], [1, -2, 1]], which no
    constant, ramp or edge along an axis passes, times sqrt(pi / 2) / 6. Fine texture counts as noise.

    Parameters
    ----------
    image : ndarray (h, w)
        In any units; the result is in the same. Less than 3 pixels a side have no noise (0).

    Notes
    -----
    Immerkaer (1996), doi:10.1006/cviu.1996.0060.
    """
    values = image.astype(np.float64)
    if min(values.shape) < 3:
        return 0.0
    rows = values[:-2] - 2 * values[1:-1] + values[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(both).mean())
