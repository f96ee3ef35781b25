"""Signals that were recorded differently."""

from __future__ import annotations

import pandas as pd

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, some
from medgraft.cohort.audit.registry import check


@check("mixed-recordings", kinds=("signal",))
def mixed_recordings(case: Case) -> list[Finding]:
    """Signals of several sampling rates, montages or units."""
    stats = case.sketch("signal").stats
    rates = stats["rate"].map(lambda r: f"{r:g} Hz")
    found: list[tuple[str, pd.Series, str]] = [  # type: ignore[type-arg]
        ("sampling rates", rates, "Resample all to one rate before anything is learnt."),
        (
            "montages (names or number of channels)",
            stats["montage"],
            "Choose the channels that all have, in one order.",
        ),
        ("units", stats["units"], "Bring all to one unit."),
    ]
    out = []
    for what, values, advice in found:
        counts = values.value_counts()
        if len(counts) > 1:
            common = {str(k) or "unknown": int(v) for k, v in counts.head(20).items()}
            shown = some([f"{k[:40]} ({v})" for k, v in common.items()], 3)
            sentence = f"The signals have {len(counts)} {what}: {shown}."
            out.append(
                Finding("mixed-recordings", "warning", sentence, advice, {"what": what, "counts": common})
            )
    lengths = stats["seconds"].round(1).value_counts()
    if len(lengths) > 1:
        numbers = {"shortest": float(stats["seconds"].min()), "longest": float(stats["seconds"].max())}
        sentence = f"The signals last from {numbers['shortest']:g} to {numbers['longest']:g} seconds."
        out.append(
            Finding("mixed-recordings", "note", sentence, "Cut them into pieces of one length.", numbers)
        )
    return out
