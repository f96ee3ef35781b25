"""Files sorted by the label."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.registry import check


@check("row-order", kinds=("table",))
def row_order(case: Case) -> list[Finding]:
    """Files sorted by the label."""
    codes = case.codes[(case.part == 0) & (case.codes >= 0)]
    if len(case.classes) < 2 or len(codes) < 20 or case.data.task == "regression":
        return []
    runs = 1 + int((np.diff(codes) != 0).sum())
    shares = np.bincount(codes) / len(codes)
    expected = 1 + (len(codes) - 1) * (1 - (shares**2).sum())
    if runs > 0.1 * expected:
        return []
    numbers = {"runs": runs, "expected": float(expected)}
    sentence = (
        f"The rows are sorted by the label: {runs} runs of equal labels where {expected:.0f} are expected."
    )
    advice = "Nothing to do here, splits are shuffled; but leave out whatever counts the rows."
    return [Finding("row-order", "note", sentence, advice, numbers)]
