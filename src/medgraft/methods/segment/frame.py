"""From samples to the pixels that a 2-D network sees, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.segment.cases import Case, levels

if TYPE_CHECKING:
    import torch

VIEWS = ("whole", "windows")
STEP = 32  # networks halve up to five times: sides are filled up to multiples of it


@dataclass(frozen=True)
class Frame:
    """How a sample lies before a 2-D network: a volume as its slices, each brought to a size.

    Attributes
    ----------
    size : int
        Side of what the network sees, in pixels.
    view : str
        ``"whole"``: the whole image or slice, brought to the size; ``"windows"``: windows of the size, at
        the resolution that the sample has.
    axis : int
        Axis of a volume along which it is cut into slices: 0 sagittal, 1 coronal, 2 axial.
    slices : int
        Neighbouring slices that a network sees as channels: 1 or 3.
    channels : int
        Channels of the network.
    pixel : float
        Millimetres that become one pixel, of volumes that are seen whole; else 0.
    """

    size: int
    view: str
    axis: int
    slices: int
    channels: int
    pixel: float = 0.0

    def __post_init__(self) -> None:
        if self.view not in VIEWS:
            raise MedgraftError(f"view='{self.view}' does not exist: use one of {', '.join(VIEWS)}.")
        if self.axis not in (0, 1, 2) or self.slices not in (1, 3):
            raise MedgraftError("axis is 0, 1 or 2, and slices is 1 or 3.")
        if self.slices == 3 and self.channels != 3:
            raise MedgraftError("Three neighbouring slices need a network of three channels: use slices=1.")
        if self.size < STEP:
            raise MedgraftError(f"size={self.size} is too small: use {STEP} pixels or more.")

    def sides(self, case: Case) -> tuple[int, int]:
        """Return the height and width that each image or slice of a sample is brought to."""
        h, w = (case.grid[a] for a in self._plane(case))
        if self.view == "windows":
            return h, w
        if case.spacing:
            scale = [case.spacing[a] / self.pixel for a in self._plane(case)]
        else:
            scale = [self.size / max(h, w)] * 2
        return max(round(h * scale[0]), 1), max(round(w * scale[1]), 1)

    def pixels(self, case: Case) -> NDArray[np.uint8]:
        """Return the images (s, c, h, w), 0 to 255, one for each slice; a picture is one slice."""
        import torch
        from torch.nn.functional import interpolate

        if case.spacing:
            stack = np.moveaxis(levels(case.values), self.axis, 0)[:, None] * np.float32(255.0)
        else:
            stack = case.values[None]
        sides = self.sides(case)
        if sides == stack.shape[2:]:
            return np.ascontiguousarray(np.rint(stack).astype(np.uint8))
        x = torch.from_numpy(np.ascontiguousarray(stack, dtype=np.float32))
        x = interpolate(x, size=sides, mode="bilinear", align_corners=False, antialias=True)
        return np.asarray(x.round_().clamp_(0, 255).to(torch.uint8).numpy())

    def codes(self, codes: NDArray[np.uint8], case: Case) -> NDArray[np.uint8]:
        """Return masks (s, h, w) of the same pixels: the class at the middle of each."""
        import torch
        from torch.nn.functional import interpolate

        stack = np.moveaxis(codes, self.axis, 0) if case.spacing else codes[None]
        x = torch.from_numpy(np.ascontiguousarray(stack))[:, None]
        return np.asarray(interpolate(x, size=self.sides(case), mode="nearest-exact")[:, 0].numpy())

    def look(self, pixels: NDArray[np.uint8], i: int) -> torch.Tensor:
        """Return what the network sees of slice i (c, h, w): its neighbours as channels, or itself."""
        import torch

        if pixels.shape[1] == self.channels:
            return torch.from_numpy(pixels[i])
        reach = self.slices // 2
        near = [min(max(i + d, 0), len(pixels) - 1) for d in range(-reach, reach + 1)]
        seen = torch.from_numpy(pixels[near, 0])
        return seen if self.slices > 1 else seen.expand(self.channels, -1, -1)

    def back(self, probabilities: torch.Tensor, case: Case) -> NDArray[np.float32]:
        """Return probabilities (s, K, h, w) on the sample's own grid, (K, h, w) or (K, x, y, z)."""
        from torch.nn.functional import interpolate

        h, w = (case.grid[a] for a in self._plane(case))
        if tuple(probabilities.shape[2:]) != (h, w):
            probabilities = interpolate(probabilities, size=(h, w), mode="bilinear", align_corners=False)
        found: NDArray[Any] = probabilities.numpy()
        return found[0] if not case.spacing else np.moveaxis(found.swapaxes(0, 1), 1, self.axis + 1)

    def _plane(self, case: Case) -> tuple[int, int]:
        """Return the two axes of a slice, or of a picture."""
        if not case.spacing:
            return 0, 1
        first, second = (a for a in range(3) if a != self.axis)
        return first, second


def filled(x: torch.Tensor, sides: tuple[int, int]) -> torch.Tensor:
    """Return images (..., h, w) filled up with zeros to the right and below."""
    from torch.nn.functional import pad

    return pad(x, (0, sides[1] - x.shape[-1], 0, sides[0] - x.shape[-2]))


def multiple(side: int) -> int:
    """Return the next multiple of `STEP`.

    Examples
    --------
    >>> multiple(1), multiple(64), multiple(65)
    (32, 64, 96)
    """
    return -(-side // STEP) * STEP
