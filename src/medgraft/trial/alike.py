"""Signals, sequences and omics of a trial: one shape for all cohorts, and the views of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort
from medgraft.cohort.media import ARRAYS
from medgraft.methods.views import ViewFeatures
from medgraft.sources.arrays import Reading, SignalReading, agreed, reading_to_dict
from medgraft.sources.pretrained import Pretrained

PICTURE = "scalogram"


def read_alike(cohorts: Sequence[Any], given: str) -> tuple[Reading | None, list[str]]:
    """Return how the samples of all cohorts are read, and what that costs them; None for other kinds.

    Labels play no part: a montage, a rate and a length are those that every recording has.

    Parameters
    ----------
    cohorts : sequence
        The trial's first, then its test set and sources; what is no cohort is passed over.
    given : str
        Settings of the user.
    """
    kind = cohorts[0].kind
    if kind not in ARRAYS:
        if given:
            raise MedgraftError(
                f"--reading is for signals and sequences, and these are {kind}s: leave it out."
            )
        return None, []
    cells: list[str] = []
    for cohort in cohorts:
        if isinstance(cohort, Cohort):
            if cohort.kind != kind:
                raise MedgraftError(f"'{cohort.name}' holds {cohort.kind}s, and '{cohorts[0].name}' {kind}s.")
            cells += [str(cell) for cell in cohort.table[cohort.media[kind]].dropna()]
    return agreed(kind, cells, given)


def reading_of(network: Pretrained, kind: str, found: Reading | None) -> Pretrained:
    """Return a network as it reads samples of a kind; one of images sees signals as pictures."""
    if found is None:
        return network.reading(kind)
    if isinstance(found, SignalReading):
        drawn = (found.picture or PICTURE) if network.facts.dims == 2 else ""
        found = replace(found, picture=drawn)
    return replace(network, array=found).reading(kind)


def views_of(asked: Sequence[str], found: Reading | None) -> ViewFeatures | None:
    """Return what methods for arrays read, or None where samples are no arrays."""
    if found is None:
        if asked:
            raise MedgraftError("--view is for signals, sequences and omics: leave it out.")
        return None
    made = ViewFeatures(tuple(asked), reading_to_dict(found))
    made.check()
    return made
