"""Freezing, release and learning rates: groups of parameters are their one currency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
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
    n_blocks : int
        Blocks of the trunk; those above a window of layers that trains stand still too.
    head_lr : float
        Peak learning rate of the head.
    """

    frozen: tuple[str, ...]
    groups: tuple[Group, ...]
    head_lr: float
    n_blocks: int

    @property
    def first(self) -> int:
        """Place of the first block that ever trains: all before it is a fixed function of the image."""
        return min((g.block for g in self.groups), default=self.n_blocks)

    def released(self, epoch: int) -> list[int]:
        """Places of the blocks that train in this epoch."""
        return [g.block for g in self.groups if g.release <= epoch]

    def faster(self, factor: float) -> Policy:
        """Return the policy with all learning rates times a factor."""
        groups = tuple(replace(g, lr=g.lr * factor) for g in self.groups)
        return replace(self, groups=groups, head_lr=self.head_lr * factor)

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
    layers: str = "",
) -> Policy:
    """Share out release times and learning rates over the blocks of a trunk.

    The last ``ceil(unfreeze * blocks)`` blocks train, or those that `layers` names. They are released one
    after the other from the output towards the input during the first ``gradual * epochs`` epochs (Howard
    and Ruder 2018). The one next to the head gets `lr`, each one further down `lr_decay` times the rate of
    the one above.

    Parameters
    ----------
    layers : str
        Blocks by name: patterns such as ``"blocks.5*"``, or a window ``"blocks.2-blocks.4"`` with both ends,
        several joined by ``|``; empty: by `unfreeze`.

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
    places = named(blocks, layers) if layers else list(range(len(blocks) - count, len(blocks)))
    span = gradual * epochs
    groups = []
    for up, place in enumerate(reversed(places)):
        release = min(int(up * span / len(places)), max(epochs - 1, 0))
        groups.append(Group(blocks[place], place, release, lr * lr_decay**up))
    frozen = tuple(name for place, name in enumerate(blocks) if place not in places)
    return Policy(frozen, tuple(groups), head_lr, len(blocks))


def named(blocks: list[str], layers: str, setting: str = "layers") -> list[int]:
    """Return the places of the blocks that the words of a setting name, in order.

    Raises
    ------
    MedgraftError
        A part of the words names no block.

    Examples
    --------
    >>> named(["stem", "blocks.0", "blocks.1", "conv"], "stem|blocks.1-conv")
    [0, 2, 3]
    """
    places: set[int] = set()
    for part in layers.split("|"):
        low, dash, high = part.strip().partition("-")
        if dash and low in blocks and high in blocks:
            found = set(range(blocks.index(low), blocks.index(high) + 1))
        else:
            found = {place for place, name in enumerate(blocks) if fnmatchcase(name, part.strip())}
        if not found:
            raise MedgraftError(
                f"{setting}='{part}' names no block of the network: it has {', '.join(blocks)}."
            )
        places |= found
    return sorted(places)
