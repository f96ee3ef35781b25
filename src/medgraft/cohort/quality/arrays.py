"""What every step asks of an image, and how it sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Array = NDArray[Any]
_DTYPES = ("uint8", "uint16", "float32", "float64")
_SMALL = 256  # the longest side at which fields of view are looked for


def check(image: Array, step: str) -> None:
    """Refuse what is no image.

    Raises
    ------
    MedgraftError
        It is no array of (h, w) or (h, w, 3), of uint8, uint16, float32 or float64, with one or more pixels
        that are all finite.
    """
    if not isinstance(image, np.ndarray) or image.dtype.name not in _DTYPES:
        what = image.dtype.name if isinstance(image, np.ndarray) else type(image).__name__
        raise MedgraftError(f"{step} needs an array of {', '.join(_DTYPES)}, not {what}.")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3) or image.size == 0:
        raise MedgraftError(f"{step} needs an image of shape (h, w) or (h, w, 3), not {image.shape}.")
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise MedgraftError(f"{step} needs finite values: fill the missing ones first.")


def unit(image: Array) -> NDArray[np.float32]:
    """Return the image from 0 (black) to 1 (white).

    White is 255 for uint8 and the largest value for uint16, because scanners fill 12 of 16 bits. Floats go
    from their own smallest value to their own largest.

    Examples
    --------
    >>> unit(np.array([[0, 51]], np.uint8)).tolist(), unit(np.array([[-1.0, 3.0]])).tolist()
    ([[0.0, 0.20000000298023224]], [[0.0, 1.0]])
    """
    low, high = span(image)
    if high <= low:
        return np.zeros(image.shape, np.float32)
    return ((image.astype(np.float64) - low) / (high - low)).astype(np.float32)


def span(image: Array) -> tuple[float, float]:
    """Return the values that count as black and white; see :func:`unit`."""
    if image.dtype == np.uint8:
        return 0.0, 255.0
    if image.dtype == np.uint16:
        return 0.0, float(image.max())
    return float(image.min()), float(image.max())


def filled(values: Array, image: Array) -> Array:
    """Return values from 0 to 1 over the whole range of the image's dtype; floats stay from 0 to 1."""
    if image.dtype.kind == "f":
        return np.clip(values, 0, 1).astype(image.dtype)
    top = np.iinfo(image.dtype).max
    return np.rint(np.clip(values, 0, 1) * top).astype(image.dtype)


def back(values: Array, image: Array) -> Array:
    """Return values in the image's own units as the image's dtype, rounded and clipped."""
    if image.dtype.kind == "f":
        return values.astype(image.dtype)
    return np.clip(np.rint(values), 0, np.iinfo(image.dtype).max).astype(image.dtype)


def grey(image: Array) -> NDArray[np.float32]:
    """Return the brightness from 0 to 1, (h, w); of colours by ITU-R BT.601."""
    values = unit(image)
    if values.ndim == 2:
        return values
    return values @ np.array([0.299, 0.587, 0.114], np.float32)


def small(values: NDArray[np.float32], side: int = _SMALL) -> tuple[NDArray[np.float32], float]:
    """Return a copy of at most `side` pixels a side, and how many times smaller it is."""
    from skimage.transform import resize

    scale = max(values.shape) / side
    if scale <= 1:
        return values, 1.0
    shape = tuple(max(1, round(n / scale)) for n in values.shape)
    return resize(values, shape, order=1, anti_aliasing=True, preserve_range=True).astype(np.float32), scale


def odd(size: int, name: str, step: str) -> int:
    """Return an odd window size of 1 or more, or refuse it."""
    if size < 1 or size % 2 == 0:
        raise MedgraftError(f"{step} needs an odd {name} of 1 or more, not {size}.")
    return int(size)


def share(value: float, name: str, step: str) -> float:
    """Return a share from 0 to 1, or refuse it."""
    if not 0 <= value <= 1:
        raise MedgraftError(f"{step} needs {name} from 0 to 1, not {value}.")
    return float(value)
