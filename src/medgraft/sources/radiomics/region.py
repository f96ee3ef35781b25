"""Which pixels or voxels radiomics looks at."""

from __future__ import annotations

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.radiomics.grid import Floats, Mask

REGIONS = ("whole", "otsu", "mask")


def region_of(values: Floats, region: str, mask: Mask | None = None) -> Mask:
    """Return the pixels of a region.

    Parameters
    ----------
    values : array
        Of 2 or 3 dimensions.
    region : str
        ``"whole"``: all; ``"otsu"``: of the two sides of Otsu's threshold the one that has less of the
        border, all where there is one value; ``"mask"``: those of `mask`.
    mask : array of bool, optional

    Raises
    ------
    MedgraftError
        A mask is asked for, and there is none, it is empty, or of another shape.

    Examples
    --------
    >>> x = np.array([[9.0, 9.0, 9.0], [9.0, 1.0, 9.0], [9.0, 9.0, 9.0]])
    >>> region_of(x, "otsu").sum(), region_of(x, "whole").sum()
    (np.int64(1), np.int64(9))
    """
    if region == "mask":
        if mask is None or mask.shape != values.shape or not mask.any():
            what = (
                "there is none"
                if mask is None
                else "it is empty"
                if not mask.any()
                else "its size is another"
            )
            raise MedgraftError(
                f"Radiomics needs the mask of each image, but {what}: use region=otsu or whole."
            )
        return mask
    everything = np.ones(values.shape, dtype=bool)
    if region == "whole" or not np.ptp(values) > 0:
        return everything
    from skimage.filters import threshold_otsu

    bright = values > threshold_otsu(values.ravel())
    border = everything.copy()
    border[(slice(1, -1),) * values.ndim] = False
    return np.asarray(bright if bright[border].mean() <= 0.5 else ~bright)
