"""Small changes of training images that leave the finding where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch

AUGMENTATIONS = ("none", "light")
CHANGEABLE = ("image", "volume", "signal")  # a letter or a gene that changes is another finding
WORDS = {
    "none": "none",
    "light": "training images only: left-right flips, rotation up to 10 degrees, shift up to 5 %, zoom up to "
    "10 %, brightness and contrast up to 10 %",
}
_OF_SIGNALS = "training signals only: shifts of up to 5 % of the length, amplitudes scaled by up to 10 %"
_ANGLE, _SHIFT, _ZOOM, _LEVEL = np.deg2rad(10.0), 0.05, 0.1, 0.1


def check(augmentation: str) -> None:
    """Raise unless the setting exists."""
    if augmentation not in AUGMENTATIONS:
        raise MedgraftError(
            f"augmentation='{augmentation}' does not exist: use one of {', '.join(AUGMENTATIONS)}."
        )


def words(augmentation: str, kind: str) -> str:
    """Say what is done to training samples of a kind.

    Examples
    --------
    >>> words("light", "sequence")
    'none'
    """
    if kind not in CHANGEABLE:
        return WORDS["none"]
    return _OF_SIGNALS if kind == "signal" and augmentation != "none" else WORDS[augmentation]


def augment(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Return randomly changed copies of images, volumes or signals, as float32.

    Each image is flipped left to right (half of them), turned by up to 10 degrees, shifted by up to 5 % of
    its side, zoomed by up to 10 %, and its grey values are scaled and moved by up to 10 %. Nothing is
    mirrored top to bottom, and no colour is changed. What lies outside the image repeats its border.

    Slices of a volume change together. A volume is turned about its long axis, flipped and moved in the same
    way, and its values are scaled and moved by up to a tenth of a standard deviation.

    A signal is moved in time by up to 5 % (its ends are repeated), and its values are scaled by up to 10 %.

    Parameters
    ----------
    images : tensor
        Images (b, c, s, s) or slices of volumes (b, k, c, s, s), values 0 to 255; or volumes
        (b, 1, x, y, z), or signals (b, c, samples), float32.
    rng : numpy Generator
        Decides everything.
    """
    import torch

    if images.ndim == 3:
        return _signals(images, rng)
    if images.ndim == 5 and images.is_floating_point():
        return _volumes(images, rng)
    if images.ndim == 5:
        return augment(images.flatten(1, 2), rng).reshape(images.shape)
    b = len(images)
    draw = rng.uniform(-1.0, 1.0, size=(6, b))
    flip = np.where(rng.random(b) < 0.5, -1.0, 1.0)
    zoom = 1.0 + _ZOOM * draw[1]
    cos, sin = np.cos(_ANGLE * draw[0]) * zoom, np.sin(_ANGLE * draw[0]) * zoom
    theta = np.zeros((b, 2, 3), dtype=np.float32)
    theta[:, 0] = np.stack([flip * cos, -flip * sin, 2 * _SHIFT * draw[2]], axis=1)
    theta[:, 1] = np.stack([sin, cos, 2 * _SHIFT * draw[3]], axis=1)
    x = images.float()
    grid = torch.nn.functional.affine_grid(torch.from_numpy(theta), list(x.shape), align_corners=False)
    x = torch.nn.functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain, offset = (torch.from_numpy(v.astype(np.float32)).view(b, 1, 1, 1) for v in draw[4:])
    return (x * (1.0 + _LEVEL * gain) + 255.0 * _LEVEL * offset).clamp_(0.0, 255.0)


def _signals(signals: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    import torch

    b, _, n = signals.shape
    most = int(_SHIFT * n)
    moved = rng.integers(-most, most + 1, size=b)
    gain = torch.from_numpy((1.0 + _LEVEL * rng.uniform(-1.0, 1.0, size=b)).astype(np.float32))
    places = torch.from_numpy(np.clip(np.arange(n) + moved[:, None], 0, n - 1))
    x = torch.gather(signals.float(), 2, places[:, None].expand(signals.shape))
    return x * gain.view(b, 1, 1)


def _volumes(volumes: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    import torch

    b = len(volumes)
    draw = rng.uniform(-1.0, 1.0, size=(7, b))
    flip = np.where(rng.random(b) < 0.5, -1.0, 1.0)
    zoom = 1.0 + _ZOOM * draw[1]
    cos, sin = np.cos(_ANGLE * draw[0]) * zoom, np.sin(_ANGLE * draw[0]) * zoom
    theta = np.zeros((b, 3, 4), dtype=np.float32)  # grid_sample counts the axes backwards: z, y, x
    theta[:, 0, 0], theta[:, 1, 1], theta[:, 1, 2] = zoom, cos, sin
    theta[:, 2, 1], theta[:, 2, 2] = -flip * sin, flip * cos
    theta[:, :, 3] = 2 * _SHIFT * draw[2:5].T
    x = volumes.contiguous()
    grid = torch.nn.functional.affine_grid(torch.from_numpy(theta), list(x.shape), align_corners=False)
    x = torch.nn.functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain, offset = (torch.from_numpy(v.astype(np.float32)).view(b, 1, 1, 1, 1) for v in draw[5:])
    return x * (1.0 + _LEVEL * gain) + _LEVEL * offset
