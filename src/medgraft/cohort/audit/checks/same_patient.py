"""One patient on both sides."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count
from medgraft.cohort.audit.registry import check


@check("same-patient", title="The same patient twice")
def same_patient(case: Case) -> list[Finding]:
    """Patients of the test data, or of a source, who are also in the data by their name.

    And, as a note, patients who have several rows or whose rows have different labels.
    """
    found: list[Finding] = []
    own = set(case.groups[case.part == 0]) - {None}
    for part in case.cohorts:
        theirs = set(case.groups[case.part == part]) - {None}
        if part and (both := own & theirs):
            found.append(_shared(case, part, both, len(theirs)))
    test = set(case.groups[case.part == 1]) - {None}
    sources = set(case.groups[case.part >= 2]) - {None}
    if between := (test & sources) - own:
        rows = [i for i, g in enumerate(case.groups) if g in between]
        sentence = f"{count(len(between), 'patient')} of the test data are also in a source."
        advice = "Remove these patients from the source: they are tested with what was learnt from them."
        numbers = {"patients": len(between), "rows": len(rows)}
        found.append(Finding("same-patient", "severe", sentence, advice, numbers, case.places(rows)))
    return found + _several_rows(case)


def _shared(case: Case, part: int, both: set[str], total: int) -> Finding:
    rows = [i for i, g in enumerate(case.groups) if g in both and case.part[i] in (0, part)]
    numbers = {"patients": len(both), "of_patients": total, "rows": len(rows)}
    where = case.name_of(part)
    verb = "is" if len(both) == 1 else "are"
    if part == 1:
        sentence = f"{len(both):,} of {count(total, 'patient')} of the test data {verb} also in the data."
        advice = "Move all rows of these patients to one side; otherwise the test flatters the model."
        return Finding("same-patient", "severe", sentence, advice, numbers, case.places(rows))
    sentence = (
        f"{len(both):,} of {count(total, 'patient')} of {where} {verb} also in the data, by their names."
    )
    advice = "A trial takes them for the same people and never parts them; rename them if they are not."
    return Finding("same-patient", "warning", sentence, advice, numbers, case.places(rows))


def _several_rows(case: Case) -> list[Finding]:
    own = np.flatnonzero((case.part == 0) & (case.groups != None))  # noqa: E711
    rows_of: dict[str, list[int]] = {}
    for i in own:
        rows_of.setdefault(case.groups[i], []).append(int(i))
    several = [rows for rows in rows_of.values() if len(rows) > 1]
    out = []
    if several:
        numbers = {
            "patients": len(rows_of),
            "with_several_rows": len(several),
            "most": max(map(len, several)),
        }
        sentence = (
            f"{len(several):,} of {count(len(rows_of), 'patient')} in the column "
            f"'{case.data.group}' have several "
            f"rows, up to {numbers['most']}."
        )
        advice = "Their rows stay on one side of every split; count patients, not rows."
        out.append(Finding("same-patient", "note", sentence, advice, numbers, case.sets(several)))
    known = case.codes >= 0
    mixed = [r for r in several if len({int(case.codes[i]) for i in r if known[i]}) > 1]
    if mixed and case.data.task != "regression":
        numbers = {"patients": len(mixed), "of_patients": len(rows_of)}
        verb = "has" if len(mixed) == 1 else "have"
        sentence = f"{count(len(mixed), 'patient')} {verb} rows with different labels."
        advice = "Right where the label is about a row (an eye, a visit); wrong where it is about the person."
        out.append(Finding("same-patient", "note", sentence, advice, numbers, case.sets(mixed)))
    return out
