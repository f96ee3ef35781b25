"""Exact copies of rows or files."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.relatives import links
from medgraft.cohort.audit.rows import surprise
from medgraft.cohort.audit.scopes import Copies, findings


@check("exact-duplicates", title="Copies of samples")
def exact_duplicates(case: Case) -> list[Finding]:
    """Rows, files or sequences that are exact copies of each other.

    Rows of a table with few different values are equal by chance: those are reported as a note. A row counts
    as a copy when independent columns would make fewer than one such pair in a thousand tables.
    """
    pairs = links(case.content)
    what = "exact copies"
    if case.kind != "table" or len(pairs) == 0:
        return findings(case, Copies("exact-duplicates", what, pairs, {}, {}))
    bits = surprise(case.frame, pairs[:, 0])
    sure = bits > np.log2(case.n) + 10
    return [
        *findings(case, Copies("exact-duplicates", what, pairs[sure], {}, {})),
        *_by_chance(case, pairs[~sure]),
    ]


def _by_chance(case: Case, pairs: np.ndarray) -> list[Finding]:
    if len(pairs) == 0:
        return []
    rows = np.unique(pairs)
    sentence = (
        f"{len(rows):,} of {case.n:,} rows equal another row, in columns with so few different values that "
        "chance may make them equal."
    )
    advice = "Nothing needs to be done unless these rows are known to be one patient's."
    numbers = {"rows": len(rows), "pairs": len(pairs)}
    return [Finding("exact-duplicates", "note", sentence, advice, numbers, case.sets(pairs))]
