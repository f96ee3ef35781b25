"""Occlusion: how far a score falls where a part of a sample is covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.media import ARRAYS
from medgraft.methods.explain.extra import needed
from medgraft.methods.explain.frame import attributions
from medgraft.methods.explain.integrated_gradients import empty_like
from medgraft.methods.explain.registry import explanation
from medgraft.methods.explain.scores import Scores
from medgraft.methods.explain.spans import spans_covered

if TYPE_CHECKING:
    import torch

AT_ONCE = 8


def occlusion(model: Any, paths: Sequence[str] | str, *, target: Any = None) -> list[NDArray[np.float32]]:
    r"""Show how far a score falls where a part of a sample is covered.

    Use it with any model behind a network, also where there is no gradient (an SVM on frozen features).
    Not where a finding is larger than the cover, or there twice: nothing falls when half of it is left.

    With P windows W that are moved over the image, and :math:`x_W` the image with the grey of the network's
    mean inside W,

    .. math:: L_i = \frac{1}{|\{W \ni i\}|} \sum_{W \ni i} \big(y^c(x) - y^c(x_W)\big)

    A window is a seventh of an image's side, moved by half of that; of a volume it is a quarter of each
    side (of slices: a quarter of them), moved by its own width. Of a signal it is a twentieth of the time in
    one channel, filled with the mean of what stands beside it, and moved by half of that (of more than six
    channels by its own width); of a sequence three letters, which become empty columns, moved by one; of
    omics one feature, which becomes 0.

    Parameters
    ----------
    model, paths, target
        As in `grad_cam`; any learner will do, and a method of tables behind a frozen network
        (``coral`` on images), whose score is the log chance.

    Returns
    -------
    list of array (h, w), (x, y, z), (channels, samples), (letters,) or (features,), float32
        One map a sample, in scores; negative where covering a place speaks for the class.

    Raises
    ------
    MedgraftError
        The model is of another kind, there is no such class, or (images, volumes) captum is not installed.

    Notes
    -----
    Cost: 169 forward passes an image, 64 a volume, 39 or 20 a channel of a signal, one a letter (1,000 at
    most) or feature. Source: Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53. Of images and volumes
    computed by captum.

    Examples
    --------
    >>> occlusion(object(), [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: Maps are made of ...
    """
    return [a.values for a in attributions(model, paths, covered, target)]


@explanation("occlusion", title="Occlusion")
def covered(scores: Scores, pixels: torch.Tensor, code: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return the map on the network's own grid, and the side of the windows."""
    import torch

    if scores.shown in ARRAYS:
        return spans_covered(scores, pixels, code)
    captum = needed("captum.attr")
    shape = tuple(pixels.shape[1:])
    flat = scores.shown == "image"
    window = [max(1, round(n / (7 if flat else 4))) for n in shape]
    stride = [max(1, w // 2) for w in window] if flat else list(window)
    channels = 1 if scores.slices else 0
    window[channels] = stride[channels] = shape[channels]
    with torch.no_grad():
        found = captum.Occlusion(lambda x: scores.of(x)[:, code]).attribute(
            pixels.float(),
            tuple(window),
            strides=tuple(stride),
            baselines=empty_like(scores, pixels),
            perturbations_per_eval=max(1, AT_ONCE // max(1, scores.slices)),
        )
    return found[0].select(channels, 0), {"window": float(window[-1])}  # the same in all channels
