"""Sequences that are nearly identical, or overlap."""

from __future__ import annotations

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.scopes import Copies, findings
from medgraft.cohort.audit.sequences import near_identical

_IDENTITY = 0.9
_OVERLAP = 0.8


@check("near-identical-sequences", kinds=("sequence",), title="Near copies of sequences")
def near_identical_sequences(case: Case) -> list[Finding]:
    """Sequences that agree in at least 90 % of the letters over at least 80 % of the shorter one."""
    column = case.column(lambda c: c.media.get("sequence"))
    texts = [None if t is None else str(t).upper().replace("U", "T") for t in column]
    pairs, identity, overlap = near_identical(texts, _IDENTITY, _OVERLAP)
    exact = case.content[pairs[:, 0]] == case.content[pairs[:, 1]]
    figures = {"identity": identity[~exact], "overlap": overlap[~exact]}
    numbers = {"least_identity": _IDENTITY, "least_overlap": _OVERLAP}
    return findings(case, Copies("near-identical-sequences", "near copies", pairs[~exact], figures, numbers))
