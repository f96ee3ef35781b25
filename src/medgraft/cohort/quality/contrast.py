"""Contrast: local equalisation, and stretching between percentiles."""

from __future__ import annotations

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.quality.arrays import Array, check, filled, share, unit
from medgraft.cohort.quality.registry import step


@step()
def clahe(image: Array, clip: float = 0.01, tiles: int = 8) -> Array:
    r"""Return the image with its contrast equalised locally, but not more than noise can bear.

    Use it where faint structures matter and brightness does not: vessels of a fundus, ribs of a radiograph.
    Not where grey values have units, as in CT: they have none afterwards.

    The image is cut into tiles; in each, a grey value v becomes the share of the tile's pixels that are at
    most v, from a histogram clipped at `clip` (the cut-off counts are spread over all bins), and the maps
    of the four nearest tiles are interpolated. Of a colour image the value V of HSV is mapped; hue and
    saturation stay.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    clip : float, default 0.01
        From 0 to 1; more gives more contrast. 1 is plain adaptive equalisation.
    tiles : int, default 8
        Along each side.

    Returns
    -------
    ndarray
        Of the same shape and dtype, over the dtype's range (0 to 1 for floats). A constant image comes back
        as it is.

    Raises
    ------
    MedgraftError
        The array is no image, or a setting is out of its range.

    Notes
    -----
    O(h w). Zuiderveld (1994), Graphics Gems IV, doi:10.1016/B978-0-12-336156-1.50061-6; by scikit-image.

    Examples
    --------
    >>> dull = np.tile(np.linspace(100, 120, 64).astype(np.uint8), (64, 1))
    >>> bool(clahe(dull).std() > 2 * dull.std())
    True
    """
    from skimage.exposure import equalize_adapthist

    check(image, "clahe")
    share(clip, "clip", "clahe")
    if tiles < 1:
        raise MedgraftError(f"clahe needs 1 or more tiles, not {tiles}.")
    if image.min() == image.max():
        return image.copy()
    size = tuple(max(1, side // tiles) for side in image.shape[:2])
    return filled(equalize_adapthist(unit(image), kernel_size=size, clip_limit=clip), image)


@step()
def percentile_stretch(image: Array, low: float = 1.0, high: float = 99.0) -> Array:
    r"""Return the image with its low percentile black and its high percentile white, linear in between.

    Use it to bring exposures to one range while a few outliers (markers, dead pixels) do not count. Grey
    values lose their units.

    v becomes (v - a) / (b - a), clipped to 0..1, where a is the largest value that at most `low` percent of
    the values lie below, and b likewise from above, over all channels together, so that hues stay near.
    Doing it twice is doing it once.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    low, high : float, default 1 and 99
        Percentiles, 0 <= low < high <= 100.

    Returns
    -------
    ndarray
        Of the same shape and dtype, over the dtype's range (0 to 1 for floats). Where a equals b it comes
        back as it is.

    Raises
    ------
    MedgraftError
        The array is no image, or the percentiles are out of order.

    Notes
    -----
    O(h w). Gonzalez & Woods, Digital Image Processing, section 3.2.

    Examples
    --------
    >>> percentile_stretch(np.array([[100, 110, 120]], np.uint8), 0, 100).tolist()
    [[0, 128, 255]]
    """
    check(image, "percentile_stretch")
    if not 0 <= low < high <= 100:
        raise MedgraftError("percentile_stretch needs 0 <= low < high <= 100.")
    a = float(np.percentile(image, low, method="lower"))
    b = float(np.percentile(image, high, method="higher"))
    if a >= b:
        return image.copy()
    return filled((image.astype(np.float64) - a) / (b - a), image)
