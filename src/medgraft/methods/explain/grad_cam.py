"""Grad-CAM: which places of an image or a volume spoke for a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.explain.frame import attributions
from medgraft.methods.explain.registry import explanation
from medgraft.methods.explain.scores import Scores

if TYPE_CHECKING:
    import torch

    from medgraft.sources.trunk import Trunk

Weights = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def grad_cam(model: Any, paths: Sequence[str] | str, *, target: Any = None) -> list[NDArray[np.float32]]:
    r"""Show which places of an image or a volume spoke for a class.

    Use it to see whether a model looks at the finding or at the ruler beside it. Not as a measurement: the
    map is as coarse as the network's last one (a 32nd of the side, mostly), it shows what spoke *for* the
    class alone, and a plausible map proves nothing: see `medgraft.methods.explain.deletion` for what it
    is worth.

    With the last maps :math:`A^k` of the network and the score :math:`y^c` of the class before the softmax,

    .. math:: L = \max\Big(0, \sum_k \alpha_k A^k\Big), \qquad
              \alpha_k = \frac{1}{|A|} \sum_{ij} \frac{\partial y^c}{\partial A^k_{ij}}

    and L is interpolated to the sample's own grid. The gradient is taken with respect to the maps, so that a
    network whose weights are all frozen serves as well. Of a vision transformer the maps are the tokens
    of the patches before its last block; a volume that is read as slices has maps and weights for each
    slice, and a 3-D network maps in three dimensions.

    Parameters
    ----------
    model : estimator or Graft
        A fitted ``linear-probe`` with a linear learner, ``finetune``, ``scratch``, a method of the family
        ``adaptation``, ``guarded`` where it chose one of these, or a graft of one. It stays as it is.
    paths : list of str
        References, as in the column ``image`` or ``volume``.
    target : label, optional
        The class; default, for each sample, the one that is predicted. None for regression, whose score is
        the value itself; of stages the score is the log chance.

    Returns
    -------
    list of array (h, w) or (x, y, z), float32
        One map a sample, in scores: not negative, 0 where nothing spoke for the class.

    Raises
    ------
    MedgraftError
        The model is of another kind, its learner is not linear, or there is no such class.

    Notes
    -----
    Cost: a forward pass for each sample, and the way back from the score to the last maps; memory for one
    sample. Source: Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74; 2020, doi:10.1007/s11263-019-01228-7.

    Examples
    --------
    >>> grad_cam(object(), "scan.png")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: Maps are made of ...
    """
    return [a.values for a in attributions(model, paths, cam, target)]


def grad_cam_plus_plus(
    model: Any, paths: Sequence[str] | str, *, target: Any = None
) -> list[NDArray[np.float32]]:
    r"""Show which places spoke for a class where it is there more than once.

    Use it as `grad_cam`, where there may be several findings of different size: each place's gradient
    counts by itself, so that a small finding is not drowned by the mean. Not to tell classes apart: its
    weights are never negative, and its maps hardly changed where the head was shuffled
    (``benchmarks/explanation_faithfulness.py``).

    With :math:`g^k_{ij} = \partial y^c / \partial A^k_{ij}` the weights of the maps are

    .. math:: \alpha_k = \sum_{ij} \frac{(g^k_{ij})^2}{2 (g^k_{ij})^2 + (g^k_{ij})^3 \sum_{ab} A^k_{ab}}
              \max(0, g^k_{ij})

    Parameters
    ----------
    model, paths, target
        As in `grad_cam`.

    Returns
    -------
    list of array (h, w) or (x, y, z), float32
        One map a sample, not negative, up to a positive factor.

    Raises
    ------
    MedgraftError
        As in `grad_cam`.

    Notes
    -----
    Cost as that of `grad_cam`. Source: Chattopadhay et al. 2018, doi:10.1109/WACV.2018.00097.

    Examples
    --------
    >>> grad_cam_plus_plus(object(), [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: Maps are made of ...
    """
    return [a.values for a in attributions(model, paths, cam_plus_plus, target)]


@explanation("grad-cam", title="Grad-CAM")
def cam(scores: Scores, pixels: torch.Tensor, code: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return Grad-CAM's map on the grid of the network's last maps."""
    return _weighted(scores, pixels, code, "Grad-CAM", lambda a, g: _over_places(g).mean(dim=2)), {}


@explanation("grad-cam++", title="Grad-CAM++")
def cam_plus_plus(scores: Scores, pixels: torch.Tensor, code: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return Grad-CAM++'s map on the grid of the network's last maps."""

    def weights(a: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        a, g = _over_places(a).double(), _over_places(g).double()  # cubes of small numbers
        below = 2 * g**2 + g**3 * a.sum(dim=2, keepdim=True)
        share = (g**2 / below.where(below != 0, 1.0)).where(below != 0, 0.0)
        return (share * g.clamp(min=0)).sum(dim=2).float()

    return _weighted(scores, pixels, code, "Grad-CAM++", weights), {}


def _over_places(t: torch.Tensor) -> torch.Tensor:
    return t.flatten(2)


def _weighted(scores: Scores, pixels: torch.Tensor, code: int, name: str, weights: Weights) -> torch.Tensor:
    """Return the map (h, w), (slices, h, w) or (x, y, z): the sum of the weighted last maps, above 0."""
    import torch

    scores.seen(name)
    scores.smooth(name)
    if scores.slices:
        pixels = pixels.flatten(0, 1)
    with torch.no_grad():
        modules, maps = _split(scores.trunk, pixels)
    with torch.enable_grad():  # whatever the caller's setting: the maps are where the gradient starts
        maps = maps.detach().requires_grad_(True)
        h = maps
        for module in modules:
            h = module(h)
        h = h.flatten(1)
        if scores.slices:
            h = (h.amax(dim=0) if scores.trunk.pool == "max" else h.mean(dim=0))[None]  # type: ignore[operator]
        (gradient,) = torch.autograd.grad(scores.head(h)[0, code], maps)
    a, g = _grid(scores.trunk, maps.detach()), _grid(scores.trunk, gradient)
    alpha = weights(a, g).reshape(*a.shape[:2], *[1] * (a.ndim - 2))
    found = (alpha * a).sum(dim=1).clamp(min=0)
    return found if scores.slices else found[0]


def _split(trunk: Trunk, pixels: torch.Tensor) -> tuple[list[Any], torch.Tensor]:
    """Return the last maps, and the modules that make features of them."""
    h = trunk.normalise(pixels)
    modules = [m for block in range(len(trunk.blocks)) for m in trunk.block_modules(block)]
    last = len(trunk.blocks) - 1
    tokens = len(modules) - len(trunk.block_modules(last))  # where a transformer's last block begins
    found: tuple[list[Any], torch.Tensor] | None = None
    for place, module in enumerate(modules):
        if place == tokens and h.ndim == 3 and last:
            return modules[place:], h
        h = module(h)
        if h.ndim > 3 and h[0].numel() > max(h.shape[1], h.shape[-1]):
            found = modules[place + 1 :], h
    if found is None:
        raise MedgraftError("Grad-CAM needs a network that is a chain of layers, and this one is not.")
    return found


def _grid(trunk: Trunk, t: torch.Tensor) -> torch.Tensor:
    """Return channels first (b, c, h, w); of tokens (b, n, c), those of patches on their grid."""
    net: Any = trunk.net
    if t.ndim == 3:
        high, wide = net.patch_embed.grid_size
        return t[:, t.shape[1] - high * wide :].transpose(1, 2).reshape(len(t), -1, high, wide)
    return t.permute(0, 3, 1, 2) if str(getattr(net, "output_fmt", "")).endswith("NHWC") else t
