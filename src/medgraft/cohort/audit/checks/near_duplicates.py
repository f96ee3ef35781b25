"""Near copies of images, volumes, signals and omics profiles."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.scopes import Copies, findings

KINDS = ("image", "volume", "signal", "omics")
# What differs from the mean image of a cohort correlates above this in copies (0.988 and more in chest films
# and brain slices), and below it in images of two people that merely look alike (at most 0.973 in fundi).
BEYOND = 0.98


@check("near-duplicates", kinds=KINDS, title="Near copies of samples")
def near_duplicates(case: Case) -> list[Finding]:
    """Samples that are copies but for size, compression, brightness or gain.

    Two images are near copies when their 48 x 48 grey thumbnails correlate above 0.995 and, in cohorts of 20
    and more, still above 0.98 after the mean thumbnail is taken from both. Pairs that pass only the first are
    reported as a note: neighbouring slices of one patient do, and so do fundi that show little.
    """
    out = []
    for kind in (k for k in KINDS if k in case.data.media):
        sketch = case.sketch(kind)
        alike = case.alike(kind)
        pairs = np.sort(alike.pairs, axis=1)
        exact = (
            case.content[pairs[:, 0]] == case.content[pairs[:, 1]] if kind == case.kind else pairs[:, 0] < 0
        )
        copies = ~exact & ~(alike.beyond <= BEYOND)  # NaN: too few samples to have a mean
        figures = {"correlation": alike.correlation, "beyond_mean": alike.beyond}
        if kind == "image":
            figures["brightness_change"] = _brightness(case, pairs)
        numbers = {"kind": kind, "threshold": sketch.alike}

        for which, report in ((copies, findings), (~exact & ~copies, _look_alikes)):
            chosen = {k: v[which] for k, v in figures.items() if np.isfinite(v[which]).all()}
            found = Copies("near-duplicates", "near copies", pairs[which], chosen, numbers)
            out += report(case, found)
    return out


def _brightness(case: Case, pairs: np.ndarray) -> np.ndarray:
    mean = np.full(case.n, np.nan)
    sketch = case.sketch("image")
    mean[sketch.rows] = sketch.stats["mean"]
    change: np.ndarray = np.abs(mean[pairs[:, 0]] - mean[pairs[:, 1]])
    return change


def _look_alikes(case: Case, copies: Copies) -> list[Finding]:
    groups = case.groups[copies.pairs]
    different = (groups[:, 0] != groups[:, 1]) | (groups[:, 0] == None)  # noqa: E711
    pairs = copies.pairs[different]
    if len(pairs) == 0:
        return []
    rows = np.unique(pairs)
    figures = {k: v[different] for k, v in copies.figures.items()}
    sentence = (
        f"{len(rows):,} {copies.numbers['kind']}s look like another one (correlation above "
        f"{copies.numbers['threshold']}) without "
        "being copies."
    )
    advice = (
        "Look at some: slices or views of one patient look so, and then --group must name the "
        "patient; images "
        "that show little do, too."
    )
    numbers = copies.numbers | {"pairs": len(pairs), "rows": len(rows)}
    return [Finding("near-duplicates", "note", sentence, advice, numbers, case.sets(pairs, **figures))]
