"""Passes over a lesson's rows: how the learners that are small networks are trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.learners.base import Lesson

if TYPE_CHECKING:
    import torch

DECAY = 1e-4


def train(
    weights: list[torch.Tensor],
    losses: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    lesson: Lesson,
    draw: torch.Generator,
    *,
    epochs: int,
    patience: int,
    batch: int,
    lr: float,
    seed: int,
) -> tuple[list[NDArray[Any]], int]:
    r"""Minimise :math:`\sum_i w_i \ell_i / \sum_i w_i` by AdamW, and stop before it fits the noise.

    A fifth of the patients is held out, and the weights at which their loss was least are kept. Where a class
    has too few patients for that, a fifth of the passes are made.

    Parameters
    ----------
    weights : list of tensor
        Changed in place.
    losses : callable
        Rows (b, p) and targets (b, m), float32 -> the loss of each row (b,).
    lesson : Lesson
    draw : torch Generator
        Decides the order of the rows.
    epochs, patience, batch : int
    lr : float
    seed : int
        Of the inner split.

    Returns
    -------
    list of arrays
        The weights that are kept.
    int
        Passes made.
    """
    import torch

    def tensors(part: Lesson) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.from_numpy(part.Z.astype(np.float32)), torch.from_numpy(part.targets.astype(np.float32))

    fold = lesson.folds(5, seed)
    learnt = lesson if fold is None else lesson.take(fold != 0)
    held = None if fold is None else lesson.take(fold == 0)
    optimiser = torch.optim.AdamW(weights, lr=lr, weight_decay=DECAY)
    Z, T = tensors(learnt)
    w = torch.from_numpy((learnt.weight / learnt.weight.mean()).astype(np.float32))
    best, since, passes, kept = np.inf, 0, 0, _arrays(weights)
    for _ in range(epochs if held is not None else -(-epochs // 5)):
        for rows in torch.split(torch.randperm(len(Z), generator=draw), batch):
            optimiser.zero_grad()
            losses(Z[rows], T[rows]).mul(w[rows]).mean().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        passes += 1
        if held is None:
            kept = _arrays(weights)
            continue
        with torch.no_grad():
            each = losses(*tensors(held)).numpy().astype(np.float64)
        since += 1
        if (now := float(held.weight @ each)) < best:
            best, since, kept = now, 0, _arrays(weights)
        if since >= patience:
            break
    return kept, passes


def fit_losses(out: torch.Tensor, T: torch.Tensor, classes: bool) -> torch.Tensor:
    """Return the log loss, or the squared error, of each row (b,)."""
    from torch.nn import functional as F

    if classes:
        return F.cross_entropy(out, T, reduction="none")
    return (out[:, 0] - T[:, 0]) ** 2


def _arrays(weights: list[torch.Tensor]) -> list[NDArray[Any]]:
    return [t.detach().numpy().copy() for t in weights]
