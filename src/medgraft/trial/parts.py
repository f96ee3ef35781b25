"""Several networks and radiomics in one trial: how arms and sentences name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.sources import Pretrained

if TYPE_CHECKING:
    from medgraft.trial.arms import Arm, Workbench

FUSING = ("fusion", "cascade")  # methods that read every kind and all sources


def named(parts: Sequence[Any], name: str) -> Pretrained:
    """Return the network of a trial that an arm names, as in ``linear-probe:source=resnet18``.

    Parameters
    ----------
    parts : sequence of Pretrained or Radiomics
    name : str
        The network as it was given, its full name, its architecture, or the name of its file.

    Raises
    ------
    MedgraftError
        The trial has no such network, or several.
    """
    networks = [part for part in parts if isinstance(part, Pretrained)]
    found = [p for p in networks if name in _given_as(p)]
    found = found or [p for p in networks if name in (p.facts.name, p.facts.architecture)]
    if len(found) == 1:
        return found[0]
    short = [p.facts.architecture for p in networks]
    if found:
        raise MedgraftError(
            f"Several networks of the trial are called '{name}': name the file of the one meant."
        )
    has = f" It has {', '.join(short)}." if short else " It has none: give it with --source."
    raise MedgraftError(f"The trial has no network '{name}'.{did_you_mean(name, short) or has}")


def _given_as(part: Pretrained) -> tuple[str, ...]:
    """Names that are the network's own: a file's architecture may be that of another file, or network."""
    facts = part.facts
    return (
        part.spec,
        *((facts.name, facts.architecture) if facts.path is None else (Path(facts.path).stem,)),
    )


def words(parts: Sequence[Any]) -> str:
    """Return the parts in words: ``the pretrained networks a and b, and radiomics``."""
    networks = [part for part in parts if isinstance(part, Pretrained)]
    said = []
    for trained, called in ((True, "pretrained network"), (False, "network")):
        names = [part.facts.name for part in networks if part.trained == trained]
        if names:
            said.append(f"the {called}{'s' * (len(names) > 1)} {' and '.join(names)}")
    if len(networks) < len(parts):
        said.append("radiomics")
    return ", and ".join(said) if len(networks) > 1 else " and ".join(said)


def read_by(bench: Workbench, arm: Arm) -> list[str]:
    """Return the names of what an arm that fuses kinds reads beside the target's own labels."""
    from medgraft.methods.multimodal.choose import chosen_parts

    settings = arm.entry.cls().get_params(deep=False) | arm.settings
    asked = [settings[name] for name in ("parts", "first", "then") if name in settings]
    found = [chosen_parts(bench.sources, bench.columns, parts, "cpu") for parts in asked]
    return list(dict.fromkeys(part.name for parts in found for part in parts))
