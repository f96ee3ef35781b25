"""Images and masks that are arrays in MATLAB files of version 7.3: ``file.mat::variable=struct/field``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, add_decoder
from medgraft.cohort.formats.mat_hdf5 import numbers
from medgraft.cohort.images import to_8_bit
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from PIL import Image


def opens(ref: Ref) -> bool:
    """Whether a reference is to a variable of a MATLAB file."""
    return ref.path.lower().endswith(".mat") and set(ref.parts) == {"variable"}


def open_image(ref: Ref) -> Image.Image:
    """Return an array (h, w) as a grey image; bytes as they are, other numbers from smallest to largest.

    Raises
    ------
    MedgraftError
        The file is damaged, or has no such array of two dimensions.
    """
    from PIL import Image

    values = _grid(ref)
    return Image.fromarray(np.ascontiguousarray(values if values.dtype == np.uint8 else to_8_bit(values)))


def open_mask(ref: Ref) -> NDArray[np.int64]:
    """Return an array (h, w) of whole numbers, 0 where nothing is.

    Raises
    ------
    MedgraftError
        As `open_image`, or a number is not whole.
    """
    values = _grid(ref)
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        raise MedgraftError(
            f"The mask '{ref}' holds values that are no whole numbers, so it is no label map."
        )
    return np.ascontiguousarray(values.astype(np.int64))


def _grid(ref: Ref) -> NDArray[Any]:
    values = numbers(Path(ref.path), ref.parts["variable"])
    if values.ndim != 2:
        raise MedgraftError(f"'{ref}' has the shape {values.shape}: an image has height and width.")
    return values


IMAGE = add_decoder(Decoder("mat image", "image", opens, open_image))
MASK = add_decoder(Decoder("mat mask", "mask", opens, open_mask))
