"""Masks that are empty, that do not fit their samples, or that hold values of few patients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.finding import Finding, Severity, count
from medgraft.cohort.audit.registry import check

_SIZES = {"image": ("height", "width"), "volume": ("size x", "size y", "size z")}


@check("masks", kinds=("mask",), title="Masks that cannot be used")
def masks(case: Case) -> list[Finding]:
    """Masks that cannot be opened, are empty, differ in size from their samples, or hold rare values."""
    sketch = case.sketch("mask")
    rows = sketch.rows
    shapes = dict(zip(rows.tolist(), sketch.stats["shape"], strict=True))
    found = [
        _finding(case, "severe", sketch.failed, "mask", "cannot be opened", "Repair or remove them."),
        _finding(
            case,
            "severe",
            _misfits(case, shapes),
            "mask",
            "of another size than its sample",
            "Export them again on the grids of their samples.",
        ),
        _finding(
            case,
            "warning",
            rows[(sketch.stats["filled"] == 0).to_numpy()],
            "mask",
            "empty",
            "Keep them where there is nothing to outline; remove samples that nobody has outlined.",
        ),
    ]
    return [f for f in found if f is not None] + _rare(case)


def _finding(
    case: Case, severity: Severity, rows: NDArray[np.intp], what: str, how: str, advice: str
) -> Finding | None:
    if not len(rows):
        return None
    verb = "" if how.startswith("cannot") else "is " if len(rows) == 1 else "are "
    sentence = f"{count(len(rows), what)} {verb}{how}."
    return Finding("masks", severity, sentence, advice, {"rows": len(rows)}, case.places(rows))


def _misfits(case: Case, shapes: dict[int, tuple[int, ...]]) -> NDArray[np.intp]:
    """Return the rows whose mask is of another size than the image or volume."""
    if case.kind not in _SIZES:
        return np.empty(0, dtype=np.intp)
    sketch = case.sketch(case.kind)
    sizes = sketch.stats[list(_SIZES[case.kind])].to_numpy()
    wrong = [
        row
        for row, size in zip(sketch.rows.tolist(), sizes, strict=True)
        if row in shapes and shapes[row] != tuple(int(n) for n in size)
    ]
    return np.array(wrong, dtype=np.intp)


def _rare(case: Case) -> list[Finding]:
    """Values that fewer patients have than there will be folds: some model will never see them."""
    sketch = case.sketch("mask")
    own = case.part[sketch.rows] == 0
    patients: dict[int, set[Any]] = {}
    for row, values in zip(sketch.rows[own].tolist(), sketch.stats["values"][own], strict=True):
        for value in values:
            if value:
                patients.setdefault(value, set()).add(case.patients[row])
    out = []
    for value, whose in sorted(patients.items()):
        if len(whose) < case.folds and len(whose) < len(set(case.patients[sketch.rows[own]])):
            has = [r for r, v in zip(sketch.rows.tolist(), sketch.stats["values"], strict=True) if value in v]
            sentence = f"The value {value} is in the masks of {count(len(whose), 'patient')} only."
            advice = "Give it the value of the class that is meant, or leave it out: too few to learn from."
            out.append(
                Finding("masks", "warning", sentence, advice, {"patients": len(whose)}, case.places(has))
            )
    return out
