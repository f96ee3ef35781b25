"""Which parts a fusion has, which of them are asked for, and parts read from a graft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.methods.finetune.parts import NetworkPart, Part
from medgraft.methods.multimodal.tables import ColumnsPart, RadiomicsPart, TablePart, ViewsPart
from medgraft.methods.views import ViewFeatures
from medgraft.sources.pretrained import Pretrained
from medgraft.sources.radiomics import Radiomics

if TYPE_CHECKING:
    import torch


def chosen_parts(
    sources: Sequence[Any], columns: Sequence[str], parts: str, device: str, kinds: Sequence[str] = ()
) -> list[Part]:
    """Make the parts that are asked for, in the order in which they were given.

    Parameters
    ----------
    sources : sequence of Pretrained, Radiomics, ViewFeatures or str
    columns : sequence of str
        Clinical columns.
    parts : str
        ``"all"``, or names of parts or of kinds (``"image"``) with slashes between them.
    device : str
    kinds : sequence of str
        Kinds that the data hold; none: not known yet.

    Raises
    ------
    MedgraftError
        A name is that of no part, or there is no part.
    """
    made = [_part(source, device).settle(kinds) for source in sources]
    if columns:
        made.append(ColumnsPart(columns))
    names: list[str] = []
    for part in made:  # one network twice, with other weights, has two names
        count = sum(part.name == name.partition("#")[0] for name in names)
        part.name += f"#{count + 1}" if count else ""
        names.append(part.name)
    if not made:
        raise MedgraftError(
            "There is nothing to fuse: give several --source (networks, radiomics), or clinical columns."
        )
    if parts == "all":
        return made
    asked = {name.strip(): False for name in parts.split("/")}
    chosen = []
    for part in made:
        called = {part.name, part.kind} if kinds else {part.name, *part.reads}
        if called & set(asked):
            chosen.append(part)
            asked |= dict.fromkeys(called & set(asked), True)
    for name in (name for name, found in asked.items() if not found):
        hint = did_you_mean(name, names)
        raise MedgraftError(f"'{name}' is no part of this fusion: it has {', '.join(names)}.{hint}")
    return chosen


def _part(source: Any, device: str) -> Part:
    if isinstance(source, str):
        source = Radiomics.of(source) if source.partition(":")[0] == "radiomics" else Pretrained(source)
    if isinstance(source, ViewFeatures):
        return ViewsPart(source)
    return RadiomicsPart(source) if isinstance(source, Radiomics) else NetworkPart(source, device)


def part_from_state(config: dict[str, Any], tensors: dict[str, torch.Tensor], encoder: Any) -> Part:
    """Rebuild a part from what its ``state`` gave, and the encoder kept beside it."""
    if config["form"] == "network":
        return NetworkPart.from_state(config, tensors)
    made: TablePart
    if config["form"] == "columns":
        made = ColumnsPart(config["columns"], config["kind"])
    elif config["form"] == "views":
        made = ViewsPart(ViewFeatures(**config["source"]))
    else:
        made = RadiomicsPart(Radiomics.of(config["source"])).settle([config["kind"]])
    made.encoder, made.name = encoder, config["name"]
    return made
