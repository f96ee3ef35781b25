"""Too few patients for what is asked of them."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, count, some
from medgraft.cohort.audit.registry import check


@check("small-classes", title="A class of very few patients")
def small_classes(case: Case) -> list[Finding]:
    """Classes with fewer patients than folds, rare classes, and few patients in all."""
    own = case.part == 0
    units = case.patients
    total = len(np.unique(units[own]))
    out = []
    if case.data.label is not None and case.data.task != "regression":
        sizes = {c: len(np.unique(units[own & (case.codes == k)])) for k, c in enumerate(case.classes)}
        small = {c: n for c, n in sizes.items() if n < case.folds}
        if small:
            shown = some([f"{c}: {n}" for c, n in small.items()])
            verb = "class has" if len(small) == 1 else "classes have"
            sentence = f"{len(small)} {verb} fewer patients than the {case.folds} folds: {shown}."
            advice = "Ask for fewer folds, join the class with another, or collect more patients."
            out.append(
                Finding("small-classes", "severe", sentence, advice, {"patients": small, "folds": case.folds})
            )
        rows = {c: int((own & (case.codes == k)).sum()) for k, c in enumerate(case.classes)}
        rarest = min(rows, key=lambda c: rows[c]) if rows else ""
        share = rows[rarest] / max(1, sum(rows.values())) if rows else 1.0
        if rows and share < min(0.1, 0.5 / len(rows)):
            severity: Severity = "warning" if share < 0.02 else "note"
            sentence = (
                f"The class '{rarest}' is rare: {rows[rarest]:,} of "
                f"{count(sum(rows.values()), 'row')} ({100 * share:.1f} %)."
            )
            advice = "Accuracy says little here: judge by AUROC, AUPRC or balanced accuracy."
            out.append(Finding("small-classes", severity, sentence, advice, {"rows": rows, "share": share}))
    if total < 50:
        sentence = f"There {'is' if total == 1 else 'are'} {count(total, 'patient')} only."
        advice = (
            "Intervals will be wide; repeat the folds (--repeats) and use strong regularisation or "
            "a frozen network."
        )
        severity = "warning" if total < 20 else "note"
        out.append(Finding("small-classes", severity, sentence, advice, {"patients": total}))
    return out
