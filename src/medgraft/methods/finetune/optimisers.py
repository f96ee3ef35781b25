"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch

OPTIMISERS = ("adamw", "adam", "adamax", "sgd", "rmsprop")
WARM_UP = 0.05  # share of the steps in which the learning rate rises
DROP = 0.1  # of "step", at half and at three quarters of the steps, and of "plateau"
WAIT = 2  # epochs without a better held-out loss before "plateau" drops the rate

SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
    "constant": lambda done: 1.0,
    "linear": lambda done: 1.0 - done,
    "step": lambda done: DROP ** ((done >= 0.5) + (done >= 0.75)),
    "plateau": lambda done: 1.0,
}


def check(optimizer: str, schedule: str) -> None:
    """Raise unless both exist."""
    for name, value, known in (
        ("optimizer", optimizer, OPTIMISERS),
        ("schedule", schedule, tuple(SCHEDULES)),
    ):
        if value not in known:
            raise MedgraftError(f"{name}='{value}' does not exist: use one of {', '.join(known)}.")


def cycle_ends(epochs: int, cycles: int) -> list[int]:
    """Return the epochs after which each of several cycles of about equal length ends.

    Examples
    --------
    >>> cycle_ends(10, 4)
    [3, 5, 8, 10]
    """
    return [int(m * epochs / cycles + 0.5) for m in range(1, cycles + 1)]


def in_cycle(done: float, epochs: int, cycles: int) -> float:
    """Return which share of its cycle is done when a share `done` of all epochs is.

    Examples
    --------
    >>> [in_cycle(done, 10, 4) for done in (0.0, 0.3, 0.4, 1.0)]
    [0.0, 0.0, 0.5, 1.0]
    """
    ends = [0, *cycle_ends(epochs, cycles)]
    now = done * epochs
    m = max(i for i in range(cycles) if ends[i] <= now)
    return min((now - ends[m]) / (ends[m + 1] - ends[m]), 1.0)


def factor(schedule: str, done: float, within: float | None = None) -> float:
    """Return the learning rate as a share of its peak when a share `done` of the steps is done.

    `within` is the share of a cycle that is done, where the schedule starts again and again.

    Examples
    --------
    >>> [round(factor("cosine", done), 2) for done in (0.0, 0.5, 1.0)]
    [0.02, 0.5, 0.0]
    >>> [round(factor("step", done), 2) for done in (0.4, 0.6, 0.8)]
    [1.0, 0.1, 0.01]
    """
    return min(1.0, (done + 1e-3) / WARM_UP) * SCHEDULES[schedule](done if within is None else within)


def plateaus(held: list[float]) -> int:
    """Count how often "plateau" has dropped the rate, given the held-out losses so far.

    Examples
    --------
    >>> plateaus([1.0, 0.9, 0.95, 0.95]), plateaus([1.0, 0.9, 0.95, 0.8])
    (1, 0)
    """
    best, waited, drops = math.inf, 0, 0
    for loss in held:
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == WAIT:
            drops, waited = drops + 1, 0
    return drops


def make_optimiser(name: str, groups: list[dict[str, Any]], weight_decay: float) -> torch.optim.Optimizer:
    """Return an optimiser of parameter groups; their learning rates are set at every step."""
    import torch

    common: dict[str, Any] = {"lr": 0.0, "weight_decay": weight_decay}
    if name == "sgd":
        return torch.optim.SGD(groups, **common, momentum=0.9, nesterov=True)
    known: dict[str, Any] = {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "adamax": torch.optim.Adamax,
        "rmsprop": torch.optim.RMSprop,
    }
    made: torch.optim.Optimizer = known[name](groups, **common)
    return made
