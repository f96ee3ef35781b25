"""Grad-CAM: which places of an image spoke for a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods.base import classifies
from medgraft.methods.explain.scores import Scores, scores_of

if TYPE_CHECKING:
    import torch

    from medgraft.sources.trunk import Trunk


def grad_cam(model: Any, paths: Sequence[str] | str, *, target: Any = None) -> list[NDArray[np.float32]]:
    r"""Show which places of an image spoke for a class.

    Use it to see whether a model looks at the finding or at the ruler beside it. Not as a measurement: the
    map is as coarse as the network's last one (a 32nd of the side, mostly), it shows what spoke *for* the
    class alone, and a plausible map proves nothing.

    With the last maps :math:`A^k` of the network and the score :math:`y^c` of the class before the softmax,

    .. math:: L = \max\Big(0, \sum_k \alpha_k A^k\Big), \qquad
              \alpha_k = \frac{1}{|A|} \sum_{ij} \frac{\partial y^c}{\partial A^k_{ij}}

    and L is interpolated to the image's own grid. The gradient is taken with respect to the maps, so that a
    network whose weights are all frozen serves as well. Of a vision transformer the maps are the tokens
    of the patches before its last block.

    Parameters
    ----------
    model : estimator or Graft
        A fitted ``linear-probe`` with a linear learner, ``finetune``, ``scratch``, a method of the family
        ``adaptation``, ``guarded`` where it chose one of these, or a graft of one. It stays as it is.
    paths : list of str
        Images, as in the column ``image``.
    target : label, optional
        The class; default, for each image, the one that is predicted. None for regression, whose score is
        the value itself.

    Returns
    -------
    list of array (h, w), float32
        One map an image, in scores: not negative, 0 where nothing spoke for the class.

    Raises
    ------
    MedgraftError
        The model is of another kind, its learner is not linear, or there is no such class.

    Notes
    -----
    Cost: a forward pass for each image, and the way back from the score to the last maps; memory for one
    image. Source: Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74 (extended: doi:10.1007/s11263-019-01228-7).
    """
    from torch.nn import functional

    from medgraft.cohort.images import decode_image
    from medgraft.sources.forward import pick_device

    scores = scores_of(model)
    wanted = None if target is None else _code(scores, target)
    device, maps = pick_device(scores.device), []
    with _evaluating(scores.trunk, device):
        for path in [paths] if isinstance(paths, str) else paths:
            image = decode_image(path)
            pixels = scores.preprocess(image)[None].to(device)
            coarse = _coarse(scores, pixels, wanted)
            fine = functional.interpolate(
                coarse[None, None], size=(image.height, image.width), mode="bilinear", align_corners=False
            )
            maps.append(np.asarray(fine[0, 0].detach().cpu().numpy(), dtype=np.float32))
    return maps


def _code(scores: Scores, target: Any) -> int:
    """Find the place of a class."""
    if not classifies(scores.model):
        raise MedgraftError("This model predicts a value, which has no classes: leave target out.")
    names = list(scores.names)
    if target in names:
        return names.index(target)
    near = did_you_mean(str(target), [str(n) for n in names])
    raise MedgraftError(f"There is no class '{target}' among {', '.join(map(str, names))}.{near}")


def _coarse(scores: Scores, pixels: torch.Tensor, wanted: int | None) -> torch.Tensor:
    """Return the map (h, w) on the network's own grid."""
    import torch

    with torch.no_grad():
        modules, maps = _split(scores.trunk, pixels)
    with torch.enable_grad():  # whatever the caller's setting: the maps are where the gradient starts
        maps = maps.detach().requires_grad_(True)
        h = maps
        for module in modules:
            h = module(h)
        out = scores.head(h.flatten(1))[0]
        score = out[int(out.argmax()) if wanted is None else wanted]
        (gradient,) = torch.autograd.grad(score, maps)
    a, g = (_grid(scores.trunk, t[0]) for t in (maps.detach(), gradient))
    found: torch.Tensor = ((g.mean(dim=(1, 2), keepdim=True) * a).sum(dim=0)).clamp(min=0)
    return found


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
        if h.ndim == 4 and h.shape[1] * h.shape[2] * h.shape[3] > max(h.shape[1], h.shape[3]):
            found = modules[place + 1 :], h
    if found is None:
        raise MedgraftError("Grad-CAM needs a network that is a chain of layers, and this one is not.")
    return found


def _grid(trunk: Trunk, t: torch.Tensor) -> torch.Tensor:
    """Return channels first (c, h, w); of tokens (n, c), those of patches on their grid."""
    net: Any = trunk.net
    if t.ndim == 2:
        high, wide = net.patch_embed.grid_size
        return t[len(t) - high * wide :].T.reshape(-1, high, wide)
    return t.permute(2, 0, 1) if str(getattr(net, "output_fmt", "")).endswith("NHWC") else t


@contextmanager
def _evaluating(trunk: Trunk, device: torch.device) -> Iterator[None]:
    """Run the trunk in evaluation mode, and give every module its mode back."""
    modes = [(m, m.training) for m in trunk.modules()]
    home = trunk.mean.device
    trunk.eval().to(device)
    try:
        yield
    finally:
        trunk.to(home)
        for module, mode in modes:
            module.training = mode
