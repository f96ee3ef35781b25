"""Signals that hold nothing, or have holes."""

from __future__ import annotations

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.registry import check


@check("flat-signals", kinds=("signal",))
def flat_signals(case: Case) -> list[Finding]:
    """Signals with channels that never change, or with missing samples."""
    sketch = case.sketch("signal")
    out = []
    rows = sketch.rows[(sketch.stats["flat"] > 0).to_numpy()]
    if len(rows):
        channels = int(sketch.stats["flat"].sum())
        verb = "signal has" if len(rows) == 1 else "signals have"
        sentence = f"{len(rows):,} {verb} flat channels ({channels:,} in all)."
        advice = "An electrode was off: remove these signals or channels."
        numbers = {"rows": len(rows), "channels": channels}
        out.append(Finding("flat-signals", "warning", sentence, advice, numbers, case.places(rows)))
    gaps = sketch.rows[(sketch.stats["missing"] > 0).to_numpy()]
    if len(gaps):
        verb = "signal has" if len(gaps) == 1 else "signals have"
        sentence = f"{len(gaps):,} {verb} missing samples."
        advice = "Fill or cut the gaps before features are computed."
        out.append(
            Finding("flat-signals", "warning", sentence, advice, {"rows": len(gaps)}, case.places(gaps))
        )
    return out
