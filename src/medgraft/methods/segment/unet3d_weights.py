"""The weights of 3-D U-Nets: where they are, which network they are of, and how they fill another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError
from medgraft.sources.chain import OUTLINER

if TYPE_CHECKING:
    import torch

    from medgraft.networks.unet3d import UNet3d as Network
    from medgraft.sources.pretrained import Pretrained

_ENOUGH = 0.9  # share of the tensors that a source must fill


def tensors_of(source: Pretrained) -> dict[str, torch.Tensor]:
    """Read a source's tensors: a file that ``save_weights`` wrote, or the folder of a graft or run.

    Raises
    ------
    MedgraftError
        There is no such file, or it is of another network.
    """
    from medgraft.sources.tensors import read_tensors

    facts = source.facts
    if facts.name != OUTLINER["name"] or facts.path is None:
        raise MedgraftError(
            f"'{source}' is no 3-D U-Net: unet3d starts from a run that delivered one, or from a file of its "
            f"weights (FILE@{OUTLINER['name']} where it does not say so). Train one by unet3d-scratch on "
            "another cohort."
        )
    return {n.removeprefix("net."): t for n, t in read_tensors(Path(facts.path)).items()}


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
    """Copy what fits, and report it; the last layer may be of other classes. No weights: all is random."""
    own = network.state_dict()
    if not weights:
        return {"loaded": 0, "random": sorted(own), "sentence": "The network starts from random weights."}
    taken = {n: t.float() for n, t in weights.items() if n in own and own[n].shape == t.shape}
    missing = sorted(set(own) - set(taken))
    if len(taken) < _ENOUGH * len(own):
        raise MedgraftError(
            f"The weights of '{name}' are of another network than medgraft's 3-D U-Net: only {len(taken)} of "
            f"{len(own)} tensors fit."
        )
    network.load_state_dict(own | taken)
    said = f"{len(taken)} of {len(own)} tensors of '{name}' were loaded."
    if missing:
        said += f" Random: {', '.join(missing)}."
    return {"loaded": len(taken), "random": missing, "sentence": said}
