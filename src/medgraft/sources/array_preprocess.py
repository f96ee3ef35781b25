"""From a signal, a sequence or a row of omics to the tensor a network sees, the same for every method."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medgraft.sources.arrays import Reading, SignalReading, reading_to_dict
from medgraft.sources.preprocess import Preprocess

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ArrayPreprocess:
    """Bring a sample to the shape of a 1-D network: float32 (channels, length).

    Parameters
    ----------
    given : SignalReading, SequenceReading or OmicsReading
    """

    given: Reading

    seconds = 0.002  # CPU time of opening and preparing an ordinary sample, for plans

    @property
    def key(self) -> str:
        """Text that changes when the result could."""
        return f"v1 {json.dumps(reading_to_dict(self.given), sort_keys=True)}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return self.given.shape

    def open(self, path: str) -> torch.Tensor:
        """Open a reference and prepare it."""
        import torch

        return torch.from_numpy(self.given.array(path))


@dataclass(frozen=True)
class PicturePreprocess:
    """Draw a signal as a picture, and bring that to a network of images.

    Parameters
    ----------
    given : SignalReading
        Names the view that draws.
    image : Preprocess
        What is done to the picture.
    """

    given: SignalReading
    image: Preprocess

    seconds = 0.02

    @property
    def key(self) -> str:
        """Text that changes when the result could."""
        return f"v1 {json.dumps(reading_to_dict(self.given), sort_keys=True)}, {self.image.key}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result: (channels, s, s)."""
        return self.image.shape

    def open(self, path: str) -> torch.Tensor:
        """Open a reference to a signal, draw it and prepare the picture."""
        from PIL import Image

        return self.image(Image.fromarray(self.given.drawn(path)))
