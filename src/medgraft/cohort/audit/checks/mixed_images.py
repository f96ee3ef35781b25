"""Images of several sizes and formats."""

from __future__ import annotations

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, some
from medgraft.cohort.audit.registry import check


@check("mixed-images", kinds=("image",))
def mixed_images(case: Case) -> list[Finding]:
    """Images of several sizes, colour modes or file formats.

    Whether they tell the label is another check's question (technical-confound).
    """
    stats = case.sketch("image").stats
    sizes = stats["width"].astype(int).astype(str) + " x " + stats["height"].astype(int).astype(str)
    out = []
    mixed = (("sizes", sizes), ("colour modes", stats["mode"]), ("file formats", stats["format"]))
    for what, values in mixed:
        counts = values.value_counts()
        if len(counts) > 1:
            common = {str(k): int(v) for k, v in counts.head(20).items()}
            sentence = (
                f"The images have {len(counts)} {what}: {some([f'{k} ({v})' for k, v in common.items()], 3)}."
            )
            advice = (
                "They are made alike before a network sees them; check that they come from one "
                "kind of device."
            )
            out.append(Finding("mixed-images", "note", sentence, advice, {"what": what, "counts": common}))
    return out
