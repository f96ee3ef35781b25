"""Images that show nothing or little."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, count
from medgraft.cohort.audit.registry import check


@check("image-quality", kinds=("image",), title="Damaged images")
def image_quality(case: Case) -> list[Finding]:
    """Images that are black or of one colour, saturated, or far less sharp than the others.

    Blank: a standard deviation below 2 of 255 grey levels. Saturated: more than half of the pixels at 250 or
    above, and not so in most images. Blurred: the variance of the Laplacian, at 256 pixels, is below a
    twelfth of the median's, and further below it than 4 robust standard deviations of its logarithm.
    """
    sketch = case.sketch("image")
    stats = sketch.stats
    blank = stats["sd"].to_numpy() < 2
    saturated = (stats["bright"].to_numpy() > 0.5) & ~blank
    if saturated.mean() > 0.5:
        saturated[:] = False
    sharp = np.log(np.maximum(stats["sharpness"].to_numpy(), 1e-3))
    middle = np.median(sharp)
    spread = 1.4826 * np.median(np.abs(sharp - middle))
    blurred = (sharp < middle - np.log(12)) & (sharp < middle - 4 * spread) & ~blank
    found: list[tuple[Any, Severity, str, str]] = [
        (
            blank,
            "severe",
            "black or of one colour",
            "Remove them, or export them again.",
        ),
        (
            saturated,
            "warning",
            "saturated (most pixels are white)",
            "Export them with another window.",
        ),
        (
            blurred,
            "warning",
            "far less sharp than the others",
            "Look at them; remove what was not in focus or was enlarged from a small copy.",
        ),
    ]
    out = []
    for which, severity, what, advice in found:
        rows = sketch.rows[which]
        if len(rows) == 0:
            continue
        numbers = {"rows": len(rows), "of_rows": len(sketch.rows)} | _by_class(case, rows)
        verb = "is" if len(rows) == 1 else "are"
        sentence = f"{len(rows):,} of {count(len(sketch.rows), 'image')} {verb} {what}."
        out.append(Finding("image-quality", severity, sentence, advice, numbers, case.places(rows)))
    return out


def _by_class(case: Case, rows: np.ndarray) -> dict[str, Any]:
    if not case.classes:
        return {}
    return {"by_class": {c: int((case.codes[rows] == k).sum()) for k, c in enumerate(case.classes)}}
