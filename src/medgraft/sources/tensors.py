"""Files of weights: safetensors, and what PyTorch saves, as tensors alone."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from medgraft.base import MedgraftError

_PREFIXES = ("module.", "model.", "backbone.", "net.", "trunk.")  # of training loops, and of grafts
_KEYS = ("state_dict", "model_state_dict", "model", "weights")  # where training loops put the weights


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file by name; no code of the file is run.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` file, or a ``.pth`` or ``.pt`` file that holds tensors, by name, alone or under
        ``state_dict`` and the like.

    Raises
    ------
    MedgraftError
        The file is damaged, or holds anything but tensors.
    """
    weights = _safetensors(path) if path.suffix == ".safetensors" else _saved(path)
    for prefix in _PREFIXES:
        if weights and all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    return weights


def renamed(weights: dict[str, torch.Tensor], wanted: set[str]) -> dict[str, torch.Tensor]:
    """Return weights under the names of a network that is a part of theirs, or of which they are a part.

    Where more names fit with a wrapper's prefix taken away from those that have it, or put before all, they
    are so renamed: a detector's file fits the network inside the detector, and the other way round.

    Examples
    --------
    >>> found = renamed({"backbone.a": torch.zeros(1), "head.b": torch.zeros(1)}, {"a"})
    >>> sorted(found)
    ['a', 'head.b']
    >>> list(renamed({"a": torch.zeros(1)}, {"backbone.a"}))
    ['backbone.a']
    """
    ways = [weights]
    for prefix in _PREFIXES:
        ways.append({name.removeprefix(prefix): tensor for name, tensor in weights.items()})
        ways.append({prefix + name: tensor for name, tensor in weights.items()})
    return max(ways, key=lambda way: len(way.keys() & wanted))  # the first of equals: as they are


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights: dict[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise MedgraftError(f"The file '{path}' is not a whole safetensors file: get it again.") from error
    return weights


def _saved(path: Path) -> dict[str, torch.Tensor]:
    """Read what torch.save wrote, by its reader that makes tensors and plain containers only."""
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise MedgraftError(
            f"The file '{path}' is damaged, or holds more than tensors, which may run code: save its "
            "state_dict alone, with safetensors.torch.save_file."
        ) from error
    while isinstance(found, dict) and (inner := [k for k in _KEYS if isinstance(found.get(k), dict)]):
        found = found[inner[0]]
    named = found.items() if isinstance(found, dict) else ()
    tensors = {k: v for k, v in named if isinstance(v, torch.Tensor)}
    if not tensors:
        raise MedgraftError(f"The file '{path}' holds no tensors by name: give a file with a state_dict.")
    return tensors
