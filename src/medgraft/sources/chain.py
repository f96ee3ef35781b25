"""An earlier graft as a source: its network, as training left it, is where the next training starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError

MANIFEST = "graft.json"
# The 3-D U-Net is no trunk of features: `unet3d` alone starts from its weights, and reads sizes off them.
OUTLINER: dict[str, Any] = {
    "name": "medgraft:unet3d",
    "library": "medgraft",
    "architecture": "unet3d",
    "input_size": 64,
    "mean": (0.0,),
    "std": (1.0,),
    "interpolation": "bilinear",
    "licence": "unknown",
    "model_args": {},
    "dims": 3,
}


def graft_folder(spec: str) -> Path | None:
    """Return the folder of the graft that a path means, or None; a run's folder means the graft in it."""
    place = Path(spec).expanduser()
    return next((folder for folder in (place, place / "graft") if (folder / MANIFEST).is_file()), None)


def network_of(folder: Path) -> tuple[dict[str, Any], Path]:
    """Return the facts of a graft's network, as they were saved, and the file of its weights.

    Raises
    ------
    MedgraftError
        The graft is damaged, or has no network, several, or one that was built on.
    """
    try:
        parts = json.loads((folder / MANIFEST).read_text())["parts"]
        networks = [p for p in parts if {"backbone", "widths"} & set(p.get("config", {}))]
        found = [(p["config"].get("backbone", {"network": OUTLINER}), folder / p["file"]) for p in networks]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MedgraftError(
            f"The graft '{folder}' is damaged: its {MANIFEST} cannot be used ({error})."
        ) from error
    if len(found) != 1:
        count = "no network" if not found else f"{len(found)} networks"
        raise MedgraftError(
            f"The graft '{folder}' cannot be the source of a network: it has {count}. Deliver one network, "
            "for example with --arm finetune alone."
        )
    backbone, file = found[0]
    if "attention" in backbone:
        raise MedgraftError(
            f"The graft '{folder}' cannot be the source of a network: attention was put into it."
        )
    if file.name != Path(file.name).name or not file.is_file():
        raise MedgraftError(f"The graft '{folder}' is damaged: the file '{file.name}' is missing.")
    return backbone["network"], file
