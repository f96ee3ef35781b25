"""What a block of a network makes of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods.explain.scores import Scores, evaluating, scores_of

if TYPE_CHECKING:
    import torch


def blocks_by_name(model: Any) -> list[str]:
    """Return the names of a network's blocks, from input to output."""
    scores = model if isinstance(model, Scores) else scores_of(model)
    return [name for name, _ in scores.trunk.blocks]


def block_place(scores: Scores, block: str | None) -> int:
    """Return how many blocks run up to and with the one named; None: all but the last.

    Raises
    ------
    MedgraftError
        There is no such block.
    """
    names = blocks_by_name(scores)
    if block is None:
        return max(1, len(names) - 1)
    if block not in names:
        hint = did_you_mean(block, names) or f" It has {', '.join(names)}."
        raise MedgraftError(f"The network has no block '{block}'.{hint}")
    return names.index(block) + 1


def activations(model: Any, paths: Sequence[str], *, block: str | None = None) -> NDArray[np.float32]:
    """Return what a block of a network gives for samples, flattened.

    Use it to compare layers (`medgraft.methods.explain.cka`) or to find concepts in them. Not for features
    to learn from: those are pooled, and kept on disk.

    The problem is one of reading off: :math:`h_b(x)`, the output of block b.

    Parameters
    ----------
    model : estimator or Graft
        As in `grad_cam`.
    paths : list of str
        Samples (n).
    block : str, optional
        Name of a block (`blocks_by_name` lists them); default the last but one.

    Returns
    -------
    array (n, d), float32

    Raises
    ------
    MedgraftError
        There is no such block.

    Notes
    -----
    Cost: a forward pass a sample up to the block; memory for all n.

    Examples
    --------
    >>> activations(object(), [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: Maps are made of ...
    """
    import torch

    scores = model if isinstance(model, Scores) else scores_of(model)
    place = block_place(scores, block)
    with torch.no_grad():
        rows = [h.flatten().cpu().float().numpy() for h in each_block(scores, paths, place)]
    return np.stack(rows)


def each_block(scores: Scores, paths: Sequence[str], place: int) -> list[torch.Tensor]:
    """Return what the first `place` blocks give for each sample (1, ...)."""
    import torch

    from medgraft.sources.forward import pick_device

    device = pick_device(scores.device)
    with evaluating(scores, device), torch.no_grad():
        return [
            scores.trunk.prefix(scores.preprocess.open(path)[None].to(device), place).cpu() for path in paths
        ]
