"""Freezing, release and learning rates: groups of parameters are their one currency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from medgraft.base import MedgraftError


@dataclass(frozen=True)
class Group:
    """A block of the trunk that trains.

    Parameters
    ----------
    name : str
        The block's name.
    block : int
        Its place in the trunk, 0 next to the input.
    release : int
        Epoch (from 0) at which it begins to train.
    lr : float
        Its peak learning rate.
    """

    name: str
    block: int
    release: int
    lr: float


@dataclass(frozen=True)
class Policy:
    """Which blocks train, from when on, and how fast.

    Parameters
    ----------
    frozen : tuple of str
        Blocks that never train, input side first.
    groups : tuple of Group
        Blocks that train, output side first.
    head_lr : float
        Peak learning rate of the head.
    """

    frozen: tuple[str, ...]
    groups: tuple[Group, ...]
    head_lr: float

    @property
    def first(self) -> int:
        """Place of the first block that ever trains: all before it is a fixed function of the image."""
        return len(self.frozen)

    def start(self, epoch: int) -> int:
        """Place of the first block that trains in this epoch."""
        ready = [g.block for g in self.groups if g.release <= epoch]
        return min(ready, default=len(self.frozen) + len(self.groups))

    def describe(self) -> dict[str, Any]:
        """Return what freezes, and the learning rates by group, for plans."""
        rates = {"head": self.head_lr} | {g.name: g.lr for g in self.groups}
        freeze = [f"{name}: frozen throughout" for name in self.frozen]
        freeze += [f"{g.name}: frozen until epoch {g.release + 1}" for g in self.groups if g.release > 0]
        return {"freeze": freeze, "learning_rates": rates}


def make_policy(
    blocks: list[str],
    *,
    unfreeze: float,
    gradual: float,
    epochs: int,
    lr: float,
    lr_decay: float,
    head_lr: float,
) -> Policy:
    """Share out release times and learning rates over the blocks of a trunk.

    The last ``ceil(unfreeze * blocks)`` blocks train. They are released one after the other from the output
    towards the input during the first ``gradual * epochs`` epochs (Howard and Ruder 2018). The block next to
    the head gets `lr`, each one further down `lr_decay` times the rate of the one above.

    Examples
    --------
    >>> p = make_policy(
    ...     list("abcd"), unfreeze=0.5, gradual=0.5, epochs=4, lr=1e-3, lr_decay=0.5, head_lr=1e-3
    ... )
    >>> p.frozen, [(g.name, g.release, g.lr) for g in p.groups]
    (('a', 'b'), [('d', 0, 0.001), ('c', 1, 0.0005)])
    """
    for name, value, low, high in (
        ("unfreeze", unfreeze, 0.0, 1.0),
        ("gradual", gradual, 0.0, 1.0),
        ("lr_decay", lr_decay, 1e-6, 1.0),
    ):
        if not low <= value <= high:
            raise MedgraftError(f"{name}={value:g} is out of range: use a number from {low:g} to {high:g}.")
    count = -int(-unfreeze * len(blocks) // 1)  # ceiling
    span = gradual * epochs
    groups = []
    for up in range(count):
        place = len(blocks) - 1 - up
        release = min(int(up * span / max(count, 1)), max(epochs - 1, 0))
        groups.append(Group(blocks[place], place, release, lr * lr_decay**up))
    return Policy(tuple(blocks[: len(blocks) - count]), tuple(groups), head_lr)
