"""Where a crop lies, and whether what it looks for was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Box:
    """A part of an image: rows `top` to `bottom` and columns `left` to `right`, the last ones excluded.

    Attributes
    ----------
    top, left, bottom, right : int
    reason : str
        Why nothing was found, so that the box is the whole image; "" where something was.

    Examples
    --------
    >>> Box(1, 2, 3, 5).of(np.zeros((8, 9))).shape
    (2, 3)
    """

    top: int
    left: int
    bottom: int
    right: int
    reason: str = ""

    @property
    def found(self) -> bool:
        """Whether the crop found what it looked for."""
        return not self.reason

    def of(self, image: Array) -> Array:
        """Return a copy of that part of an image."""
        return image[self.top : self.bottom, self.left : self.right].copy()


def whole(image: Array, reason: str) -> Box:
    """Return the box of the whole image."""
    return Box(0, 0, image.shape[0], image.shape[1], reason)


def around(mask: Array, image: Array, scale: float = 1.0, margin: float = 0.0) -> Box:
    """Return the smallest box around a mask that is not empty, in the image's pixels.

    Parameters
    ----------
    mask : ndarray of bool
        Of the image, or of a copy of it that is `scale` times smaller.
    image : ndarray
    scale : float, default 1
    margin : float, default 0
        Added on each side, as a share of the box's longer side, as far as the image goes.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom = scale * rows[0], scale * (rows[-1] + 1)
    left, right = scale * columns[0], scale * (columns[-1] + 1)
    more = margin * max(bottom - top, right - left)
    return Box(
        max(0, int(np.floor(top - more))),
        max(0, int(np.floor(left - more))),
        min(image.shape[0], int(np.ceil(bottom + more))),
        min(image.shape[1], int(np.ceil(right + more))),
    )
