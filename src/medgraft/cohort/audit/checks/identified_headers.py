"""Names in headers and in pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count
from medgraft.cohort.audit.registry import check

_YES = frozenset(("yes", "true", "1", "y"))
_FOUND = {
    "identified": (
        "names, birth dates or other identifiers in the header",
        "De-identify the files before they leave the hospital; medgraft writes none of it.",
    ),
    "burned_in": (
        "a flag that says that text is burned into the pixels",
        "Look at them: burned-in names identify patients, and burned-in marks can tell the label.",
    ),
}


@check("identified-headers", kinds=("image", "volume"))
def identified_headers(case: Case) -> list[Finding]:
    """DICOM files with identifiers in their headers, or flagged as having text in their pixels."""
    out = []
    for column, (what, advice) in _FOUND.items():
        flagged = np.zeros(case.n, dtype=bool)
        for part, cohort in case.cohorts.items():
            if column in cohort.table.columns:
                flagged[case.part == part] = _is_yes(cohort.table[column])
        rows = np.flatnonzero(flagged)
        if len(rows):
            verb = "has" if len(rows) == 1 else "have"
            sentence = f"{len(rows):,} of {count(case.n, 'file')} {verb} {what}."
            out.append(
                Finding(
                    "identified-headers", "warning", sentence, advice, {"rows": len(rows)}, case.places(rows)
                )
            )
    return out


def _is_yes(values: pd.Series) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([str(v).strip().lower() in _YES for v in values], dtype=bool)
