"""The weights of 3-D U-Nets: which network they are of, and how they fill another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch

    from medgraft.networks.unet3d import UNet3d as Network

_ENOUGH = 0.9  # share of the tensors that a source must fill


def channels_of(widths: str) -> list[int]:
    """Read channels such as ``8-16-32``."""
    parts = str(widths).split("-")
    if len(parts) < 2 or not all(p.isdigit() and int(p) > 0 for p in parts):
        raise MedgraftError(
            f"widths='{widths}' is not understood: write channels level by level, as 8-16-32."
        )
    return [int(p) for p in parts]


def widths_of(tensors: dict[str, torch.Tensor]) -> list[int]:
    """Read the channels of the levels off the tensors of a 3-D U-Net."""
    found: list[int] = []
    while (name := f"down.{len(found)}.0.0.weight") in tensors:
        found.append(int(tensors[name].shape[0]))
    return found or [1, 1]


def fill(network: Network, weights: dict[str, torch.Tensor], name: str) -> dict[str, Any]:
    """Copy what fits, and report it; the last layer may be of other classes."""
    own = network.state_dict()
    taken = {n: t.float() for n, t in weights.items() if n in own and own[n].shape == t.shape}
    missing = sorted(set(own) - set(taken))
    if len(taken) < _ENOUGH * len(own):
        raise MedgraftError(
            f"The weights of '{name}' are of another network than medgraft's 3-D U-Net: only {len(taken)} of "
            f"{len(own)} tensors fit."
        )
    network.load_state_dict(own | taken)
    return {"loaded": len(taken), "random": missing}
