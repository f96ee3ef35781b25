"""Too few patients of a site."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, some
from medgraft.cohort.audit.registry import check


@check("small-sites")
def small_sites(case: Case) -> list[Finding]:
    """Sites with fewer patients than folds, or with one class, of those that the data name."""
    if case.data.domain is None:
        return []
    own = np.flatnonzero(case.part == 0)
    sites = case.column(lambda c: c.domain)[own]
    units = case.patients[own]
    sizes = {str(s): len(np.unique(units[sites == s])) for s in sorted({s for s in sites if s is not None})}
    small = {s: n for s, n in sizes.items() if n < case.folds}
    if not small:
        return []
    shown = some([f"{s}: {n}" for s, n in small.items()])
    verb = "site has" if len(small) == 1 else "sites have"
    sentence = f"{len(small)} of {len(sizes)} {verb} fewer patients than the {case.folds} folds: {shown}."
    advice = "A figure for such a site means little: join it with another, or do not test on it."
    return [Finding("small-sites", "warning", sentence, advice, {"patients": small, "folds": case.folds})]
