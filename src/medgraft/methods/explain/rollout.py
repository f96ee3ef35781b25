"""Attention rollout: which patches a vision transformer's attention flows from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.explain.frame import attributions
from medgraft.methods.explain.registry import explanation
from medgraft.methods.explain.scores import Scores

if TYPE_CHECKING:
    import torch


def attention_rollout(
    model: Any, paths: Sequence[str] | str, *, target: Any = None
) -> list[NDArray[np.float32]]:
    r"""Show which patches a vision transformer's attention flows from, through all its blocks.

    Use it to see where a transformer gathers what it knows. Not to see what speaks for a class: attention
    is the same whichever class is asked for, and knows nothing of the head.

    With the attention :math:`A_l` of block l, its mean over heads (rows sum to one), and the block's
    skip connection as an equal partner,

    .. math:: R = \prod_l \tfrac12 (A_l + I)

    and the map is the row of the class token (without one, the mean of all rows) at the patches.

    Parameters
    ----------
    model : estimator or Graft
        As in `grad_cam`, on a ``timm:vit_...`` or a like network.
    paths : list of str
        As in `grad_cam`.
    target : label, optional
        Accepted, and plays no part in the map.

    Returns
    -------
    list of array (h, w) or (x, y, z), float32
        One map a sample: shares, not negative; on the network's grid of patches (with class and register
        tokens) they sum to one.

    Raises
    ------
    MedgraftError
        The network is no vision transformer with one attention for the whole image.

    Notes
    -----
    Cost: a forward pass, and a product of (tokens x tokens) matrices a block. Source: Abnar and Zuidema
    2020, doi:10.18653/v1/2020.acl-main.385.

    Examples
    --------
    >>> attention_rollout(object(), [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: Maps are made of ...
    """
    return [a.values for a in attributions(model, paths, rolled, target)]


@explanation("rollout", title="Attention rollout", unit="share of attention")
def rolled(scores: Scores, pixels: torch.Tensor, code: int) -> tuple[torch.Tensor, dict[str, float]]:
    """Return the map on the grid of patches, (h, w) or (slices, h, w)."""
    import torch

    scores.seen("Attention rollout")
    net: Any = scores.trunk.net
    layers = attentions(net)
    with torch.no_grad(), _watched(layers) as seen:
        scores.trunk(pixels)
    flow: torch.Tensor | None = None
    for parts in seen:
        mean = torch.cat(parts).mean(dim=1)  # (b, n, n): blocks may run on a few slices at a time
        step = 0.5 * (mean + torch.eye(mean.shape[-1], device=mean.device))
        flow = step if flow is None else step @ flow
    assert flow is not None  # attentions() found some
    token = getattr(net, "cls_token", None) is not None and getattr(net, "global_pool", "") == "token"
    row = flow[:, 0] if token else flow.mean(dim=1)
    high, wide = net.patch_embed.grid_size
    maps = row[:, row.shape[1] - high * wide :].reshape(-1, high, wide)
    return (maps if scores.slices else maps[0]), {}


def attentions(net: Any) -> list[Any]:
    """Return the attention of each block of a vision transformer.

    Raises
    ------
    MedgraftError
        It is another network.
    """
    found = [getattr(block, "attn", None) for block in getattr(net, "blocks", ())]
    whole = hasattr(getattr(net, "patch_embed", None), "grid_size")
    if not found or not whole or not all(hasattr(a, "attn_drop") and hasattr(a, "fused_attn") for a in found):
        raise MedgraftError(
            "Attention rollout needs a vision transformer such as timm:vit_tiny_patch16_224, whose patches "
            "all attend to each other: use grad-cam for this network."
        )
    return found


@contextmanager
def _watched(layers: list[Any]) -> Iterator[list[list[torch.Tensor]]]:
    """Have each layer compute its attention openly, and note it; afterwards all is as before."""
    fused = [layer.fused_attn for layer in layers]
    seen: list[list[torch.Tensor]] = [[] for _ in layers]

    def note(place: int) -> Any:
        return lambda module, given, out: seen[place].append(out.detach())

    hooks = [layer.attn_drop.register_forward_hook(note(i)) for i, layer in enumerate(layers)]
    try:
        for layer in layers:
            layer.fused_attn = False
        yield seen
    finally:
        for hook, layer, was in zip(hooks, layers, fused, strict=True):
            hook.remove()
            layer.fused_attn = was
