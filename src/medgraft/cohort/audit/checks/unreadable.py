"""Samples that cannot be opened."""

from __future__ import annotations

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count
from medgraft.cohort.audit.registry import check

KINDS = ("image", "volume", "signal", "omics")


@check("unreadable", kinds=KINDS, title="Samples that cannot be read")
def unreadable(case: Case) -> list[Finding]:
    """Samples that cannot be opened."""
    out = []
    for kind in (k for k in KINDS if k in case.data.media):
        failed = case.sketch(kind).failed
        if len(failed):
            sentence = f"{count(len(failed), kind)} cannot be opened."
            advice = "Repair or remove them, or read with --skip-unreadable."
            out.append(
                Finding(
                    "unreadable",
                    "severe",
                    sentence,
                    advice,
                    {"kind": kind, "rows": len(failed)},
                    case.places(failed),
                )
            )
    return out
