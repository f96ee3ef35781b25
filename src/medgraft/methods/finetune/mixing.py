"""Mixed training images: two images and their labels, blended or patched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch

MIXINGS = ("none", "mixup", "cutmix")
ALPHA = {"mixup": 0.2, "cutmix": 1.0}  # of the Beta distribution of shares, as the papers use it


def check(mix: str) -> None:
    """Raise unless the setting exists."""
    if mix not in MIXINGS:
        raise MedgraftError(f"mix='{mix}' does not exist: use one of {', '.join(MIXINGS)}.")


def blend(
    x: torch.Tensor, mix: str, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    r"""Return mixed inputs, the row that each was mixed with, and the share (b,) of its own label.

    "mixup" takes :math:`\lambda x_i + (1 - \lambda) x_j` with :math:`\lambda \sim` Beta(0.2, 0.2) (Zhang et
    al. 2018, arXiv:1710.09412); "cutmix" puts a rectangle of image j, of :math:`1 - \lambda` of the area,
    into image i, with :math:`\lambda \sim` Beta(1, 1) (Yun et al. 2019, doi:10.1109/ICCV.2019.00612). Both
    work on the activations of frozen blocks as on images: a convolution's output lies where its input lay.

    Parameters
    ----------
    x : tensor (b, c, h, w), or for "mixup" of any shape (b, ...)
    mix : {"mixup", "cutmix"}
    rng : numpy Generator
        Decides everything.

    Raises
    ------
    MedgraftError
        "cutmix" of activations that have no height and width.
    """
    import torch

    b = len(x)
    partner = torch.from_numpy(rng.permutation(b))
    if mix == "mixup":
        own = rng.beta(ALPHA[mix], ALPHA[mix], size=b).astype(np.float32)
        share = torch.from_numpy(own).to(x.device)
        s = share.view(b, *[1] * (x.ndim - 1))
        return (s * x + (1.0 - s) * x[partner]).to(x.dtype), partner, share
    if x.ndim != 4:
        raise MedgraftError("mix='cutmix' needs images or maps, which this network has not here: use mixup.")
    h, w = x.shape[2:]
    side = np.sqrt(1.0 - rng.beta(ALPHA[mix], ALPHA[mix], size=b))
    middle = rng.random((2, b)) * [[h], [w]]
    out, own = x.clone(), np.ones(b, dtype=np.float32)
    for i in range(b):
        top, bottom = np.clip(np.rint(middle[0, i] + np.array([-0.5, 0.5]) * side[i] * h), 0, h).astype(int)
        left, right = np.clip(np.rint(middle[1, i] + np.array([-0.5, 0.5]) * side[i] * w), 0, w).astype(int)
        out[i, :, top:bottom, left:right] = x[partner[i], :, top:bottom, left:right]
        own[i] = 1.0 - (bottom - top) * (right - left) / (h * w)
    return out, partner, torch.from_numpy(own).to(x.device)
