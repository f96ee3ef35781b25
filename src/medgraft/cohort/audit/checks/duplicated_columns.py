"""Columns that say the same as others."""

from __future__ import annotations

import hashlib

import pandas as pd

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count, some
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.rows import column_codes
from medgraft.cohort.labels import is_number


@check("duplicated-columns", kinds=("table",))
def duplicated_columns(case: Case) -> list[Finding]:
    """Columns that are equal, or the same values under other names."""
    frame = case.frame[case.part == 0]
    seen: dict[bytes, str] = {}
    pairs = []
    for place, column in enumerate(frame.columns):
        values = frame.iloc[:, place]
        if values.nunique() < 2:
            continue
        if is_number(values):
            key = b"n" + column_codes(values).tobytes()
        else:  # categories are the same when their values go together, whatever they are called
            key = b"c" + pd.factorize(values)[0].tobytes()
        digest = hashlib.blake2b(key, digest_size=16).digest()  # tables may be wide
        if digest in seen:
            pairs.append([seen[digest], str(column)])
        else:
            seen[digest] = str(column)
    if not pairs:
        return []
    shown = some([f"{b} = {a}" for a, b in pairs])
    sentence = f"{count(len(pairs), 'column repeats', 'columns repeat')} another one: {shown}."
    advice = "Keep one of each: repeated columns weigh more than others and hide what matters."
    return [Finding("duplicated-columns", "note", sentence, advice, {"pairs": pairs})]
