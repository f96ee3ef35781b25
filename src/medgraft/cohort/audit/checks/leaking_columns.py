"""Columns that know the label."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, count, number, some
from medgraft.cohort.audit.predict import SURE, Levels, agreement
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.rows import column_codes
from medgraft.cohort.labels import is_number

# Of wide tables, only the columns that rank a class best are looked at closely.
_CLOSELY = 60
_LEAK, _STRONG = 0.96, 0.9
_BLOCK = 256


@check("leaking-columns", kinds=("table",), title="A column gives the label away")
def leaking_columns(case: Case) -> list[Finding]:
    """One column alone predicts the label for held-out patients.

    A tree of depth 3 for numbers, the most typical class for categories. The label in another column, a
    treatment given for the diagnosis, or a measurement made after it do so; few real predictors do.
    """
    rows = np.flatnonzero((case.codes >= 0) & (case.part != 1))
    if len(case.classes) < 2 or len(rows) == 0 or case.frame.shape[1] == 0:
        return []
    found = []
    for place in _closest(case, rows):
        column = case.frame.iloc[:, place]
        figures = _alone(case, column, rows)
        if figures is not None:
            found.append({"column": str(case.frame.columns[place])} | figures)
    found.sort(key=lambda f: -f["informedness"])
    out = []
    for severity, low, high in (("severe", _LEAK, 2.0), ("warning", _STRONG, _LEAK)):
        these = [f for f in found if low <= f["informedness"] < high]
        if not these:
            continue
        shown = some(f["column"] for f in these)
        verb = "predicts" if len(these) == 1 else "each predict"
        best = these[0]
        sentence = (
            f"{count(len(these), 'column')} alone {verb} the label: {shown}. '{best['column']}' tells "
            f"'{best['class']}' from the rest with an informedness of "
            f"{number(best['informedness'])} (1 is perfect)."
        )
        advice = (
            "Ask when and from what each was recorded: what is known only with or after the "
            "diagnosis must be left "
            "out."
        )
        out.append(Finding("leaking-columns", severity, sentence, advice, {"columns": these}))  # type: ignore[arg-type]
    return out


def _closest(case: Case, rows: NDArray[np.intp]) -> list[int]:
    """Return the columns worth a close look: all of them, or those that rank some class best."""
    frame = case.frame
    if frame.shape[1] <= _CLOSELY:
        return list(range(frame.shape[1]))
    from scipy.stats import rankdata  # slow to import, and tables are seldom so wide

    score = np.zeros(frame.shape[1])
    codes = case.codes[rows]
    for start in range(0, frame.shape[1], _BLOCK):
        block = [column_codes(frame.iloc[rows, p]) for p in range(start, min(start + _BLOCK, frame.shape[1]))]
        ranks = rankdata(np.nan_to_num(np.stack(block), nan=-np.inf), axis=1)
        for k in range(len(case.classes)):
            own = codes == k
            n, m = own.sum(), (~own).sum()
            if n and m:
                auc = (ranks[:, own].sum(axis=1) - n * (n + 1) / 2) / (n * m)
                score[start : start + len(block)] = np.maximum(
                    score[start : start + len(block)], abs(auc - 0.5)
                )
    for place in range(frame.shape[1]):  # the order of categories means nothing
        score[place] = 1.0 if not is_number(frame.iloc[:, place]) else score[place]
    return sorted(np.argsort(-score, kind="stable")[:_CLOSELY].tolist())


def _is_the_label(
    values: NDArray[np.float64], codes: NDArray[np.intp], units: NDArray[np.intp], columns: int
) -> float | None:
    r"""Return how surely a column is the label under other names; None where it may be by chance.

    In few patients no held-out prediction is sure enough. But of all ways to deal values that occur
    :math:`n_1, \dots, n_K` times only one agrees with the label, so that the chance is
    :math:`\prod_k n_k! / n!`, and as a normal deviate about :math:`\sqrt{-2 \ln p}`.
    """
    pairs = {*zip(values.tolist(), codes.tolist(), strict=True)}
    one_to_one = len(pairs) == len({v for v, _ in pairs}) == len({c for _, c in pairs})
    if np.isnan(values).any() or not one_to_one:
        return None
    _, first = np.unique(units, return_index=True)
    counts = np.bincount(codes[first])
    log_p = sum(math.lgamma(n + 1) for n in counts) - math.lgamma(len(first) + 1) + math.log(max(1, columns))
    return math.sqrt(-2 * log_p) if log_p < math.log(1e-3) else None


def _alone(case: Case, column: pd.Series[Any], rows: NDArray[np.intp]) -> dict[str, Any] | None:
    values = column_codes(column)[rows]
    if len(np.unique(values)) < 2:
        return None
    equal = _is_the_label(values, case.codes[rows], case.units[rows], case.frame.shape[1])
    if equal is not None:
        return {"class": case.classes[-1], "informedness": 1.0, "balanced_accuracy": 1.0, "z": equal}
    few = len(np.unique(values)) <= 10
    if is_number(column) and not few:
        from sklearn.tree import DecisionTreeClassifier

        model: Any = DecisionTreeClassifier(
            max_depth=3, min_samples_leaf=2, class_weight="balanced", random_state=0
        )
        values = np.clip(values, -1e30, 1e30)
    else:
        model = Levels()
        values = np.nan_to_num(values, nan=-1.5, posinf=1e30, neginf=-1e30)
    judged = agreement(values[:, None], case.codes[rows], case.units[rows], model)
    # The more columns are looked at, the further one of them lies from chance.
    sure = SURE + np.sqrt(2 * np.log(max(1, case.frame.shape[1]))) / 4
    if judged is None or judged.z < sure:
        return None
    return {
        "class": case.classes[judged.best],
        "informedness": judged.informedness,
        "balanced_accuracy": judged.balanced_accuracy,
        "z": judged.z,
    }
