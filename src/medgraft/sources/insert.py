"""Attention put into a trained network, after blocks chosen by name."""

from __future__ import annotations

from collections.abc import Collection

import torch

from medgraft.base import MedgraftError
from medgraft.networks.attention import make_attention
from medgraft.sources.trunk import Trunk


def insert(trunk: Trunk, kind: str, blocks: Collection[str], sample: torch.Tensor, seed: int) -> None:
    """Put attention behind some blocks of a trunk; the trunk's own weights keep names and values.

    Parameters
    ----------
    trunk : Trunk
        Changed in place. At first it computes what it did.
    kind : {"se", "cbam", "self"}
        See `medgraft.networks.attention`.
    blocks : collection of str
        Names of blocks.
    sample : tensor (1, ...)
        An input, by which the number of channels is found.
    seed : int
        Of the new weights that are not zero.

    Raises
    ------
    MedgraftError
        A block gives no maps with channels: tokens, or features without places.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for place, (name, _) in enumerate(list(trunk.blocks)):
            if name not in blocks:
                continue
            found = _last_map(trunk, place, sample)
            if found is None:
                raise MedgraftError(
                    f"Behind '{name}' there are no maps of channels, which attention is for: name a block of "
                    "convolutions."
                )
            after, channels, dims = found
            trunk.insert(place, after, make_attention(kind, channels, dims))


def _last_map(trunk: Trunk, block: int, sample: torch.Tensor) -> tuple[int, int, int] | None:
    """Return which module of a block gives its last maps, their channels, and 2 or 3 dimensions."""
    layout = getattr(getattr(trunk.net, "output_fmt", None), "value", "NCHW")
    if layout != "NCHW":  # transformers with windows have channels last
        return None
    found = None
    with torch.inference_mode():
        h = trunk.prefix(sample, block) if block else trunk.normalise(sample)
        for i, module in enumerate(trunk.block_modules(block)):
            h = module(h)
            if h.ndim > 3 and h[0].numel() > h.shape[1]:
                found = (i, int(h.shape[1]), h.ndim - 2)
    return found
