"""Integrated gradients: what each place adds to a score, summed on the way from an empty sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.explain.extra import needed
from medgraft.methods.explain.frame import attributions
from medgraft.methods.explain.registry import explanation
from medgraft.methods.explain.scores import Scores

if TYPE_CHECKING:
    import torch

FIRST, MOST, CLOSE = 32, 128, 0.05  # steps at first and at most, and the error that is small enough
AT_ONCE = 8  # images that pass together


def integrated_gradients(
    model: Any, paths: Sequence[str] | str, *, target: Any = None
) -> list[NDArray[np.float32]]:
    r"""Share a score out over the places of a sample, so that the shares add up to it.

    Use it where a map should be as fine as the sample and account for the whole score. Not to be looked at
    pixel by pixel: neighbours differ by chance, and edges stand out in whatever network.

    From an empty image :math:`x'`, which the network's normalisation brings to zero, to the image x (of
    signals, sequences and omics, whose values are read as they are, from zeros):

    .. math:: L_i = (x_i - x'_i) \int_0^1 \frac{\partial y^c}{\partial x_i}\big(x' + t (x - x')\big)\, dt,
              \qquad \sum_i L_i = y^c(x) - y^c(x')

    The integral is a Gauss-Legendre sum of 32 steps, doubled up to 128 until the right-hand equation holds
    to 5 %; `medgraft.methods.explain.attribute` says how well it does (``completeness_error``).

    Parameters
    ----------
    model, paths, target
        As in `grad_cam`.

    Returns
    -------
    list of array (h, w), (x, y, z), (channels, samples), (letters,) or (features,), float32
        One map a sample, summed over channels (but those of signals), negative where a place spoke against
        the class. On the sample's own grid it is interpolated; the sum holds on the network's grid.

    Raises
    ------
    MedgraftError
        As in `grad_cam`; or captum is not installed.

    Notes
    -----
    Cost: 32 to 224 forward and backward passes a sample. Source: Sundararajan, Taly and Yan 2017,
    arXiv:1703.01365. Computed by captum.

    Examples
    --------
    >>> integrated_gradients(object(), [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: Maps are made of ...
    """
    return [a.values for a in attributions(model, paths, gradients, target)]


@explanation("integrated-gradients", title="Integrated gradients")
def gradients(scores: Scores, pixels: torch.Tensor, code: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return the map on the network's own grid, its steps and how far its sum is off, as a share."""
    import torch

    scores.smooth("Integrated gradients")
    captum = needed("captum.attr")
    image, empty = pixels.float(), empty_like(scores, pixels)

    def score(x: torch.Tensor) -> torch.Tensor:
        return scores.of(x)[:, code]

    with torch.no_grad():
        start = float(score(empty))
        whole = float(score(image)) - start
    steps = FIRST
    while True:
        with torch.enable_grad():
            found = captum.IntegratedGradients(score).attribute(
                image, empty, n_steps=steps, internal_batch_size=max(1, AT_ONCE // max(1, scores.slices))
            )
        error = abs(float(found.sum(dtype=torch.float64)) - whole) / max(abs(whole), 1e-12)
        if error <= CLOSE or steps >= MOST:
            break
        steps *= 2
    each = found[0] if scores.shown == "signal" else found[0].sum(dim=1 if scores.slices else 0)
    return each, {"completeness_error": error, "steps": steps, "score_of_empty": start}


def empty_like(scores: Scores, pixels: torch.Tensor) -> torch.Tensor:
    """Return the sample (1, ...) that the network's normalisation brings to zero everywhere; of arrays, 0."""
    return scores.trunk.mean.expand_as(pixels).float()
