"""Values that are missing more often in one class."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import chdtrc

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.checks.site_confound import cramers_v
from medgraft.cohort.audit.finding import Finding, Severity, count, number, some
from medgraft.cohort.audit.registry import check

_ALPHA = 1e-4


@check("missing-by-class", kinds=("table",), title="Missing values give the label away")
def missing_by_class(case: Case) -> list[Finding]:
    """Columns whose values are missing more often in one class than in another.

    Pearson's chi-square of missing against class for every column with gaps, at a family-wise level of
    0.0001 (Holm 1979), with Cramér's V for its size. What was measured in the ill alone tells who is ill.
    """
    rows = np.flatnonzero((case.codes >= 0) & (case.part != 1))
    if len(case.classes) < 2 or len(rows) == 0:
        return []
    tested = []
    # One row a unit: a patient with many rows is one patient.
    rows = rows[np.unique(case.units[rows], return_index=True)[1]]
    codes = case.codes[rows]
    for place, column in enumerate(case.frame.columns):
        missing = case.frame.iloc[rows, place].isna().to_numpy()
        if not missing.any() or missing.all():
            continue
        shares = [
            float(missing[codes == k].mean()) if (codes == k).any() else 0.0 for k in range(len(case.classes))
        ]
        tested.append((_p_value(missing, codes), str(column), missing, shares))
    tested.sort(key=lambda t: (t[0], t[1]))
    found: list[dict[str, Any]] = []
    for k, (p, column, missing, shares) in enumerate(tested):
        if p > _ALPHA / (len(tested) - k):
            break
        named = dict(zip(case.classes, shares, strict=True))
        found.append({"column": column, "cramers_v": cramers_v(missing, codes), "p": p, "missing": named})
    found.sort(key=lambda f: -float(f["cramers_v"]))
    if not found:
        return []
    strongest = float(found[0]["cramers_v"])
    severity: Severity = "severe" if strongest >= 0.8 else "warning" if strongest >= 0.3 else "note"
    shares_text = ", ".join(f"{100 * s:.0f} % in '{c}'" for c, s in found[0]["missing"].items())
    names = [str(f["column"]) for f in found]
    sentence = (
        f"{count(len(found), 'column is', 'columns are')} missing more often in one class: {some(names)}. "
        f"'{names[0]}' is missing in {shares_text} (Cramér's V {number(strongest)})."
    )
    advice = (
        "Ask why: where a test was ordered because of the diagnosis, that it was made tells the "
        "label. Leave such "
        "columns out, or do not let the model see what is missing."
    )
    return [Finding("missing-by-class", severity, sentence, advice, {"columns": found})]


def _p_value(missing: np.ndarray, codes: np.ndarray) -> float:
    table = np.array(
        [[((codes == k) & (missing == m)).sum() for k in np.unique(codes)] for m in (False, True)], float
    )
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() < 1:  # too few for the approximation to hold
        return 1.0
    statistic = ((table - expected) ** 2 / expected).sum()
    return float(chdtrc(table.shape[1] - 1, statistic))
