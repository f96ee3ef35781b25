"""Snapshots of one training: several networks, kept as far as they differ, whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

    from medgraft.sources.network import Network

State = dict[str, "torch.Tensor"]
_PREFIX = "snapshot-"


def changed(states: Sequence[State]) -> list[State]:
    """Return the weights of each snapshot that are not the same in all of them.

    Frozen blocks are thus kept once, with the network.
    """
    import torch

    if not states:
        return []
    last = states[-1]
    names = [n for n, t in last.items() if any(not torch.equal(t, other[n]) for other in states[:-1])]
    return [{n: state[n] for n in names} for state in states]


def mean(network: Network, states: Sequence[State], predict: Callable[[], Floats]) -> Floats:
    """Return the mean of what `predict` gives with the weights of each snapshot, which are left at the last.

    Without snapshots it is what `predict` gives.
    """
    if not states:
        return predict()
    each = []
    for state in states:
        network.load_state_dict(state, strict=False)
        each.append(predict())
    return np.asarray(np.mean(each, axis=0))


def named(states: Sequence[State]) -> State:
    """Return all snapshots' tensors under names of their own, to be saved beside the network."""
    return {
        f"{_PREFIX}{m}.{n}": t.detach().cpu().contiguous() for m, s in enumerate(states) for n, t in s.items()
    }


def unnamed(tensors: Mapping[str, torch.Tensor]) -> list[State]:
    """Read what `named` wrote."""
    states: dict[int, State] = {}
    for name, tensor in tensors.items():
        if name.startswith(_PREFIX):
            number, _, own = name.removeprefix(_PREFIX).partition(".")
            states.setdefault(int(number), {})[own] = tensor
    return [states[m] for m in sorted(states)]
