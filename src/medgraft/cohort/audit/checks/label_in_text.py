"""Text that names the class."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count, some
from medgraft.cohort.audit.registry import check
from medgraft.cohort.labels import is_number


@check("label-in-text", kinds=("table",), title="A text gives the label away")
def label_in_text(case: Case) -> list[Finding]:
    """Text columns whose values contain the name of the row's class."""
    rows = np.flatnonzero((case.codes >= 0) & (case.part == 0))
    if len(case.classes) < 2 or case.data.task == "regression":
        return []
    found: list[dict[str, Any]] = []
    words = {k: _word(c) for k, c in enumerate(case.classes) if len(c) > 2 and not c.isdigit()}
    for column in case.data.table.columns:
        values = case.data.table[column]
        taken = column in (case.data.label, case.data.group, *case.data.media.values())
        if taken or is_number(values) or pd.api.types.is_bool_dtype(values):
            continue
        text = values.astype("string").fillna("").to_numpy(dtype=object)
        for k, word in words.items():
            own = case.codes[rows] == k
            says = np.array([bool(word.search(str(text[case.row[i]]))) for i in rows])
            share, elsewhere = float(says[own].mean()), float(says[~own].mean()) if (~own).any() else 0.0
            if share >= 0.1 and share >= 5 * elsewhere and says[own].sum() >= 5:
                feature = column in case.data.features
                figures = {"share": share, "share_of_others": elsewhere}
                named = {"column": str(column), "class": case.classes[k], "feature": feature}
                found.append(named | figures)
    if not found:
        return []
    features = any(f["feature"] for f in found)
    names = list(dict.fromkeys(f["column"] for f in found))
    best = max(found, key=lambda f: f["share"])
    sentence = (
        f"{count(len(names), 'text column names', 'text columns name')} the class: {some(names)}. "
        f"{100 * best['share']:.0f} % of the values of '{best['column']}' in the class "
        f"'{best['class']}' hold its name "
        f"({100 * best['share_of_others']:.0f} % elsewhere)."
    )
    advice = "Leave the column out, or remove from it what was written after the diagnosis."
    if not features:
        advice = "It is no feature now; do not make it one."
    return [Finding("label-in-text", "severe" if features else "note", sentence, advice, {"columns": found})]


def _word(name: str) -> re.Pattern[str]:
    """Match a class by name as a word, so that 'normal' is not found in 'abnormal'."""
    return re.compile(r"(?<![^\W_])" + re.escape(name.strip()) + r"(?![^\W_])", re.IGNORECASE)
