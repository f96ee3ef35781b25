"""Volumes on several grids, and empty ones."""

from __future__ import annotations

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, count, some
from medgraft.cohort.audit.registry import check


@check("mixed-volumes", kinds=("volume",), title="Volumes of different kinds")
def mixed_volumes(case: Case) -> list[Finding]:
    """Volumes of several spacings, and volumes that hold one value."""
    sketch = case.sketch("volume")
    stats = sketch.stats
    out = []
    spacing = stats[["spacing x", "spacing y", "spacing z"]].round(3)
    counts = spacing.value_counts()
    if len(counts) > 1:
        low, high = spacing.min(), spacing.max()
        severity: Severity = "warning" if ((high > 1.2 * low) & (high > low + 0.1)).any() else "note"
        common = {" x ".join(f"{v:g}" for v in k): int(n) for k, n in counts.head(20).items()}  # type: ignore[attr-defined]
        sentence = (
            f"The volumes have {len(counts)} spacings, in mm: "
            f"{some([f'{k} ({n})' for k, n in common.items()], 3)}."
        )
        advice = "Resample all to one spacing, or what is learnt about sizes is about the scanner."
        out.append(Finding("mixed-volumes", severity, sentence, advice, {"counts": common}))
    empty = sketch.rows[(stats["sd"] == 0).to_numpy()]
    if len(empty):
        verb = "volume holds" if len(empty) == 1 else "volumes hold"
        sentence = f"{count(len(empty), verb, verb)} one value in all three middle slices."
        out.append(
            Finding(
                "mixed-volumes",
                "severe",
                sentence,
                "Remove them, or export them again.",
                {"rows": len(empty)},
                case.places(empty),
            )
        )
    return out
