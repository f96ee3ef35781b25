"""Masks that are pictures: one whole number for each pixel, 0 where nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, add_decoder
from medgraft.cohort.images import is_image
from medgraft.cohort.ref import Ref


def is_picture(ref: Ref) -> bool:
    """Whether a reference is to a whole picture."""
    return not ref.parts and is_image(ref.path)


def open_mask(ref: Ref) -> NDArray[np.int64]:
    """Return the numbers of a picture's pixels, (h, w): indices of a palette, else grey values as they are.

    Upright by the same rule as the image it belongs to. A colour picture is a mask only where its channels
    are equal; transparency is dropped. A JPEG is none, because its compression changes single pixels.
    """
    from PIL import Image, ImageOps

    with Image.open(ref.path) as opened:
        if opened.format == "JPEG":
            raise MedgraftError(
                f"The mask '{ref.path}' is a JPEG, which blurs the borders of what is outlined: save it "
                "as PNG."
            )
        opened.load()
        picture: Image.Image = opened
        if "exif" in opened.info or opened.format == "TIFF":
            picture = ImageOps.exif_transpose(opened)  # as images are
        values: NDArray[Any] = np.asarray(picture)
        channels = picture.getbands()
    if values.ndim == 3:
        colours = values[..., [i for i, name in enumerate(channels) if name not in "Aa"]]
        if (colours != colours[..., :1]).any():
            raise MedgraftError(
                f"The mask '{ref.path}' is in colours, which are no numbers of classes: save it in grey, or "
                "with a palette."
            )
        values = colours[..., 0]
    if values.dtype.kind == "f" and (not np.isfinite(values).all() or (values != np.rint(values)).any()):
        raise MedgraftError(
            f"The mask '{ref.path}' holds values that are no whole numbers, so it is no label map."
        )
    return values.astype(np.int64)


MASK = add_decoder(Decoder("picture mask", "mask", is_picture, open_mask))
