"""Kinds of a trial's samples: one shape of arrays for all cohorts, and which source reads which kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort
from medgraft.cohort.media import ARRAYS
from medgraft.methods.finetune.parts import kinds_read
from medgraft.methods.views import ViewFeatures
from medgraft.sources.arrays import Reading, SequenceReading, SignalReading, agreed, reading_to_dict
from medgraft.sources.pretrained import Pretrained
from medgraft.sources.views import views

PICTURE = "scalogram"
Readings = Mapping[str, Reading]


def read_alike(
    cohorts: Sequence[Any], given: str, test: Cohort | None = None
) -> tuple[dict[str, Reading], list[str]]:
    """Return how the arrays of all cohorts are read, by kind, and what that costs them.

    Labels play no part: a montage, a rate and a length are those that every recording has.

    Parameters
    ----------
    cohorts : sequence
        The trial's first, then its sources; what is no cohort is passed over.
    given : str
        Settings of the user; of several kinds each takes those that it knows.
    test : Cohort, optional
        Read like the others; the unit of signals is not looked for in it.
    """
    kinds = [kind for kind in cohorts[0].kinds if kind in ARRAYS]
    if not kinds:
        if given:
            raise MedgraftError(
                f"--reading is for signals and sequences, and these are {cohorts[0].kind}s: leave it out."
            )
        return {}, []
    found: dict[str, Reading] = {}
    said: list[str] = []
    for kind in kinds:
        cells: list[str] = []
        tested: set[str] = set()
        for cohort in (*cohorts, test):
            if isinstance(cohort, Cohort):
                if kind not in cohort.kinds:
                    has, wanted = f"{cohort.kind}s", f"{kind}s"
                    raise MedgraftError(f"'{cohort.name}' holds {has}, and '{cohorts[0].name}' {wanted}.")
                own = [str(cell) for cell in cohort.table[cohort.media[kind]].dropna()]
                cells += own
                tested |= set(own) if cohort is test else set()
        taught = [cell for cell in cells if cell not in tested]
        found[kind], more = agreed(kind, cells, _of_kind(given, kind, kinds), teaching=taught)
        said += more
    return found, said


def _of_kind(given: str, kind: str, kinds: Sequence[str]) -> str:
    """Return the settings that belong to a kind; what none of them knows is for the first, to refuse it."""
    if len(kinds) == 1:
        return given
    sequence = {field.name for field in fields(SequenceReading)}
    mine = []
    for setting in filter(None, given.split(",")):
        owner = "sequence" if setting.partition("=")[0].strip() in sequence else "signal"
        if kind == (owner if owner in kinds else kinds[0]):
            mine.append(setting)
    return ",".join(mine)


def reading_of(network: Pretrained, kinds: Sequence[str], found: Readings) -> Pretrained:
    """Return a network as it reads that of a cohort's kinds that it can; signals may be pictures to it."""
    kind = next((kind for kind in kinds_read(network) if kind in kinds), kinds[0])
    if kind not in found:
        return network.reading(kind)
    reading = found[kind]
    if isinstance(reading, SignalReading):
        drawn = (reading.picture or PICTURE) if network.facts.dims == 2 else ""
        reading = replace(reading, picture=drawn, unit=1.0 if drawn else reading.unit)
    return replace(network, array=reading).reading(kind)


def views_of(asked: Sequence[str], found: Readings) -> dict[str, ViewFeatures]:
    """Return what methods for arrays read of each kind; each view goes to its own."""
    if not found and asked:
        raise MedgraftError("--view is for signals, sequences and omics: leave it out.")
    first, made = next(iter(found), ""), {}
    owners = [views[name.partition(":")[0].strip()].kind for name in asked]
    for kind, reading in found.items():
        own = [
            name
            for name, owner in zip(asked, owners, strict=True)
            if kind == (owner if owner in found else first)  # there it is refused
        ]
        made[kind] = ViewFeatures(tuple(own), reading_to_dict(reading))
        made[kind].check()
    return made
