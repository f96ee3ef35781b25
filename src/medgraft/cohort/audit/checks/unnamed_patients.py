"""Patients with several rows whom nobody has named with ``--group``."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, count
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.relatives import file_keys
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.labels import names

_PATIENT = re.compile(
    r"patient|subject|participant|person|individual|lesion|donor|mrn|pid|case[ _]?(id|no|number)$",
    re.IGNORECASE,
)
# Facts about a patient, not who it is.
_FACT = re.compile(r"age|sex|gender|weight|height|count|status|name of|type|group|class|label", re.IGNORECASE)

_SURE: dict[str, Severity] = {"side": "severe", "file": "severe", "number": "warning", "folder": "warning"}
_HOW = {
    "side": "whose file names differ in a side or view alone",
    "file": "that are parts of one file",
    "number": "whose file names differ in the last number alone",
    "folder": "that lie in one folder below the class",
}


@check("unnamed-patients", title="Samples of one patient are not kept together")
def unnamed_patients(case: Case) -> list[Finding]:
    """Rows that likely belong to one patient although no column of patients was named.

    Looked at are columns named as patients, subjects or lesions with several rows a value, and the names of
    files: sides (``1034_left``, ``1034_right``), known series (MIAS), parts of one file, numbered slices.
    """
    if case.has_groups:
        return []
    found = [
        _column(case, c) for c in case.data.table.columns if _names_patients(case.data, str(c))
    ] or _files(case)
    return found


def _names_patients(cohort: Cohort, column: str) -> bool:
    if (
        column in (cohort.label, *cohort.media.values())
        or not _PATIENT.search(column)
        or _FACT.search(column)
    ):
        return False
    values = cohort.table[column]
    distinct, known = values.nunique(), int(values.notna().sum())
    return 2 < distinct < known and known >= 0.5 * len(values)


def _column(case: Case, column: str) -> Finding:
    keys = names(case.data.table[column])
    sets = _several(keys)
    distinct = len({k for k in keys if k is not None})
    numbers = {"column": column, "patients": distinct, "with_several_rows": len(sets)}
    test = case.cohorts.get(1)
    both = 0
    if test is not None and column in test.table.columns:
        both = len(set(keys) & set(names(test.table[column])) - {None})
        numbers["patients_in_test_too"] = both
    sentence = (
        f"The column '{column}' seems to name patients, and {len(sets):,} of {distinct:,} have several rows; "
        "no split keeps them together."
    )
    if both:
        sentence += f" {count(both, 'of them is', 'of them are')} in the test data, too."
    few = sum(map(len, sets)) < 0.01 * len(keys) and not both
    severity: Severity = "warning" if few else "severe"
    return Finding("unnamed-patients", severity, sentence, f"Say --group {column}.", numbers, case.sets(sets))


def _files(case: Case) -> list[Finding]:
    if case.kind in ("table", "sequence"):
        return []
    out = []
    for how, keys in file_keys(case.cells, len(case.classes)):
        sets = _several(keys)
        rows = sum(map(len, sets))
        parted = [s for s in sets if len({case.part[i] == 1 for i in s}) > 1]
        numbers: dict[str, Any] = {
            "how": how,
            "patients": len(sets),
            "rows": rows,
            "in_test_too": len(parted),
        }
        sentence = (
            f"{rows:,} {case.kind}s fall into {len(sets):,} sets {_HOW[how]}: each set is likely one patient."
        )
        if parted:
            sentence += f" {count(len(parted), 'set has', 'sets have')} files on both sides of the test."
        advice = "Make a manifest table with a column for the patient, and give it with --group."
        out.append(Finding("unnamed-patients", _SURE[how], sentence, advice, numbers, case.sets(sets)))
        break  # the surest way is enough
    return out


def _several(keys: Any) -> list[list[int]]:
    codes, _ = pd.factorize(np.asarray(keys, dtype=object))
    rows: dict[int, list[int]] = {}
    for i, code in enumerate(codes):
        if code >= 0:
            rows.setdefault(int(code), []).append(i)
    return [r for r in rows.values() if len(r) > 1]
