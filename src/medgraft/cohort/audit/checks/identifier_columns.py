"""Columns that count the rows or name the patients."""

from __future__ import annotations

import re

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count, some
from medgraft.cohort.audit.registry import check
from medgraft.cohort.labels import is_number

_ID = re.compile(r"(^|[^a-z])(id|ids|no|nr|number|index|key|mrn|uid|uuid|identifier|row|record)([^a-z]|$)")


@check("identifier-columns", kinds=("table",))
def identifier_columns(case: Case) -> list[Finding]:
    """Feature columns of whole numbers that count the rows, or are named as identifiers and all distinct.

    A counter follows the order of collection, and so does the label where the file is sorted.
    """
    frame = case.frame[case.part == 0]
    found = []
    for place, column in enumerate(frame.columns):
        values = frame.iloc[:, place]
        if not is_number(values) or values.isna().any() or len(values) < 10:
            continue
        numbers = values.to_numpy(dtype=float)
        if (
            not np.isfinite(numbers).all()
            or (numbers % 1 != 0).any()
            or len(np.unique(numbers)) < len(numbers)
        ):
            continue
        steps = np.diff(numbers)
        counts = (steps > 0).all() or (steps < 0).all() or np.ptp(numbers) == len(numbers) - 1
        if counts or _ID.search(str(column).lower()):
            found.append(str(column))
    if not found:
        return []
    verb = "seems to identify or count" if len(found) == 1 else "seem to identify or count"
    sentence = f"{count(len(found), 'feature')} {verb} the rows: {some(found)}."
    advice = "Leave them out with features=[...]; if patients have several rows, name them with --group."
    return [Finding("identifier-columns", "warning", sentence, advice, {"columns": found})]
