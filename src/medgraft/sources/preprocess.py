"""From a PIL image to the tensor a network sees, the same for every method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from PIL import Image

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_FILTERS = {"bilinear": 2, "bicubic": 3}  # Pillow's Resampling codes


@dataclass(frozen=True)
class Preprocess:
    """Bring an image to the network's size and number of channels.

    The whole image is squeezed into the square: in medicine the finding may sit at the border, so nothing
    is cropped. Normalisation is the trunk's own work.

    Parameters
    ----------
    size : int
        Side of the square in pixels.
    channels : int
        1 (grey), 3 (RGB) or 4 (RGB and alpha).
    interpolation : str
        ``"bilinear"`` or ``"bicubic"``.
    """

    size: int
    channels: int
    interpolation: str

    seconds = 0.004  # CPU time of reading, decoding and resizing an ordinary image, for plans

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result: (channels, size, size)."""
        return (self.channels, self.size, self.size)

    def open(self, path: str) -> torch.Tensor:
        """Decode a file, or a part of one, and prepare it."""
        from medgraft.cohort.images import decode_image

        return self(decode_image(path))

    @property
    def key(self) -> str:
        """Text that changes when the result could."""
        return f"v1 squeeze {self.size} {_MODES[self.channels]} {self.interpolation}"

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Return a uint8 tensor (channels, size, size)."""
        import torch

        image = image.convert(_MODES[self.channels])
        if image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), _FILTERS[self.interpolation], reducing_gap=None)
        pixels = np.array(image, dtype=np.uint8).reshape(self.size, self.size, self.channels)
        return torch.from_numpy(pixels).permute(2, 0, 1)
