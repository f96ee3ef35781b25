"""BatchNorm statistics of other images than those a network was trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

SIZE = 64  # images a batch, at most


def recompute(
    trunk: nn.Module,
    read: Callable[[int], torch.Tensor],
    n: int,
    *,
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> int:
    r"""Give every BatchNorm layer the mean and variance of its own inputs over n images.

    The statistics become averages over batches of nearly one size, at most 64 images, each of images from all
    over the order; weights stay. Layers further down have their new statistics in effect while those above
    are measured only in part: all are measured in one pass in training mode, as adaptive BatchNorm does
    (Li et al. 2018, doi:10.1016/j.patcog.2018.03.005).

    Parameters
    ----------
    trunk : Module
        Images (b, c, s, s) with values 0 to 255 -> features.
    read : callable
        Number of an image -> the image.
    n : int
    device : torch device
    progress : callable, optional
        Called with the number of images done.

    Returns
    -------
    int
        How many layers were changed.

    Notes
    -----
    Cost: one forward pass over the images. Batches of one size, because each counts as much as another;
    images from all over, because the variance within batches leaves out what batches differ by.
    """
    norms = [m for m in trunk.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms or n < 2:
        return 0
    before = [m.momentum for m in norms]
    trunk.eval().to(device)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the average over batches
        norm.train()
    size = max(2, SIZE // getattr(trunk, "slices", 1))
    count = min(-(-n // size), n // 2)
    done = 0
    with torch.no_grad():
        for rows in (np.arange(first, n, count) for first in range(count)):
            trunk(torch.stack([read(int(i)) for i in rows]).to(device))
            done += len(rows)
            if progress is not None:
                progress(done)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    trunk.eval().to("cpu")
    return len(norms)
