"""Columns that say nothing."""

from __future__ import annotations

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count, some
from medgraft.cohort.audit.registry import check


@check("constant-columns", kinds=("table",))
def constant_columns(case: Case) -> list[Finding]:
    """Columns with one value, or with one value in more than 99 % of the rows."""
    same, almost = [], []
    frame = case.frame[case.part == 0]
    for place, column in enumerate(frame.columns):
        values = frame.iloc[:, place]
        counts = values.value_counts(dropna=False)
        if len(counts) <= 1 or values.nunique() == 0:
            same.append(str(column))
        elif counts.iloc[0] > 0.99 * len(values):
            almost.append(str(column))
    out = []
    if same:
        sentence = f"{count(len(same), 'column has', 'columns have')} one value only: {some(same)}."
        advice = "Leave them out: they cannot tell patients apart."
        out.append(Finding("constant-columns", "note", sentence, advice, {"columns": same}))
    if almost:
        sentence = (
            f"{count(len(almost), 'column has', 'columns have')} one value in more than 99 % of "
            f"the rows: {some(almost)}."
        )
        advice = "Few patients decide what is learnt from them: leave them out, or collect more."
        out.append(Finding("constant-columns", "note", sentence, advice, {"columns": almost}))
    return out
