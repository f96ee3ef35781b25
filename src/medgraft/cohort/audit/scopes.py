"""What copies of rows mean depends on where the two rows are: a finding for each place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.audit.finding import Finding, Severity, count

if TYPE_CHECKING:
    from medgraft.cohort.audit.case import Case


@dataclass(frozen=True)
class Copies:
    """Pairs of rows that a check takes for copies.

    Attributes
    ----------
    check : str
    what : str
        What a row is to the other: "exact copies", "near copies".
    pairs : ndarray of int, (p, 2)
        Of rows, the smaller first.
    figures : mapping
        Figures of each pair, (p,), for the list.
    numbers : mapping
        Figures of the whole, for every finding.
    most : str
        The worst severity that a finding may have: less sure checks say less.
    """

    check: str
    what: str
    pairs: NDArray[np.intp]
    figures: dict[str, NDArray[Any]]
    numbers: dict[str, Any]
    most: Severity = "severe"


_REMOVE_TEST = (
    "Remove these rows from the test data, or their copies from what is learnt from: a model that has seen a "
    "patient is not tested by that patient."
)
_REMOVE_ONE = (
    "Keep one of each set of copies, or give them one patient with --group, so that no split parts them."
)
_LABEL = "Find out which label is right, and remove the other row."


def findings(case: Case, copies: Copies) -> list[Finding]:
    """Return a finding for each place in which there are copies, and one for copies with two labels."""
    if len(copies.pairs) == 0:
        return []
    i, j = copies.pairs.T
    a, b = case.part[i], case.part[j]
    same = (case.groups[i] == case.groups[j]) & (case.groups[i] != None)  # noqa: E711
    known = (case.groups[i] != None) & (case.groups[j] != None)  # noqa: E711
    own = (a == 0) & (b == 0)
    found: list[Finding | None] = [
        _across(case, copies, (a != 1) & (b == 1) | (a == 1) & (b != 1), 1, "what is learnt from"),
        _sources(case, copies, (a == 0) & (b >= 2)),
        _patients(case, copies, own & known & ~same),
        _within(case, copies, own & ~known),
        _labels(case, copies),
        _note(case, copies, (a == 1) & (b == 1), "test rows", "Each counts more than once in every figure."),
        _note(case, copies, (a >= 2) & (b >= 2), "rows of sources", "Copies weigh more than other rows."),
        _note(case, copies, own & same, "rows of one patient", "They stay on one side; copies weigh more."),
    ]
    return [f for f in found if f is not None]


def _make(
    case: Case,
    copies: Copies,
    which: NDArray[Any],
    severity: Severity,
    sentence: str,
    advice: str,
    **numbers: Any,
) -> Finding:
    order: Sequence[Severity] = ("note", "warning", "severe")
    limited = min(severity, copies.most, key=order.index)
    pairs = copies.pairs[which]
    listed = case.sets(pairs, **{k: v[which] for k, v in copies.figures.items()})
    figures = {"pairs": len(pairs), "rows": len(np.unique(pairs)), **numbers, **copies.numbers}
    if "brightness_change" in copies.figures:
        figures["pairs_of_other_brightness"] = int((copies.figures["brightness_change"][which] > 10).sum())
    return Finding(copies.check, limited, sentence, advice, figures, listed)


def _across(case: Case, copies: Copies, which: NDArray[Any], part: int, of: str) -> Finding | None:
    if not which.any():
        return None
    rows = np.unique(copies.pairs[which])
    tested = int((case.part[rows] == part).sum())
    total = int((case.part == part).sum())
    verb = "has" if tested == 1 else "have"
    sentence = f"{tested:,} of {count(total, 'test row')} {verb} {copies.what} in {of}."
    return _make(case, copies, which, "severe", sentence, _REMOVE_TEST, test_rows=tested, of_test_rows=total)


def _sources(case: Case, copies: Copies, which: NDArray[Any]) -> Finding | None:
    if not which.any():
        return None
    rows = np.unique(copies.pairs[which])
    own = int((case.part[rows] == 0).sum())
    verb = "has" if own == 1 else "have"
    sentence = f"{count(own, 'row')} of the data {verb} {copies.what} in a source."
    advice = "Remove these rows from the source: what is tested in a fold must not be learnt from the source."
    return _make(case, copies, which, "severe", sentence, advice, data_rows=own)


def _patients(case: Case, copies: Copies, which: NDArray[Any]) -> Finding | None:
    if not which.any():
        return None
    rows = np.unique(copies.pairs[which])
    patients = len(set(case.groups[rows]))
    sentence = (
        f"{count(len(rows), 'row')} of {count(patients, 'patient')} have {copies.what} among other patients, "
        "so that splitting by patient does not keep them on one side."
    )
    advice = "Find out whether these patients are one and name them alike, or remove the copies."
    return _make(case, copies, which, "severe", sentence, advice, patients=patients)


def _within(case: Case, copies: Copies, which: NDArray[Any]) -> Finding | None:
    if not which.any():
        return None
    rows = np.unique(copies.pairs[which])
    total = int((case.part == 0).sum())
    share = len(rows) / total
    sentence = (
        f"{len(rows):,} of {count(total, 'row')} have {copies.what} among the other rows; folds "
        f"would part them."
    )
    severity: Severity = "severe" if share >= 0.01 else "warning"
    return _make(case, copies, which, severity, sentence, _REMOVE_ONE, share=share)


def _labels(case: Case, copies: Copies) -> Finding | None:
    i, j = copies.pairs.T
    x, y = case.codes[i], case.codes[j]
    which = (x >= 0) & (y >= 0) & (x != y)
    if not which.any() or case.data.task == "regression":
        return None
    rows = np.unique(copies.pairs[which])
    sentence = f"{count(len(rows), 'row')} have {copies.what} with another label."
    return _make(case, copies, which, "severe", sentence, _LABEL)


def _note(case: Case, copies: Copies, which: NDArray[Any], of: str, advice: str) -> Finding | None:
    if not which.any():
        return None
    rows = np.unique(copies.pairs[which])
    sentence = f"{len(rows):,} {of} are {copies.what} of each other."
    return _make(case, copies, which, "note", sentence, advice)
