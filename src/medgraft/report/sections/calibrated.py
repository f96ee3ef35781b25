"""What is wrong with the probabilities, in numbers: beside the curves."""

from __future__ import annotations

from typing import Any

from medgraft.evidence.calibration import calibration_slope, debiased_ece, ici
from medgraft.report.sections.arrays import CLASSES, arrays
from medgraft.report.sections.registry import section
from medgraft.report.sections.told import cell
from medgraft.report.view import View

_DRAWS = 400


@section("calibration")
def calibrated(view: View) -> dict[str, Any] | None:
    """Return calibration slope, intercept, ICI and debiased ECE of the delivered arm and the control."""
    if view.data["task"] not in CLASSES:
        return None
    rows, figures = [], {}
    for name in dict.fromkeys([view.delivered, view.data["control"]]):
        a = arrays(view.run, name)
        if a is None:
            continue
        line = calibration_slope(a.y, a.p, group=a.group)
        smooth = ici(a.y, a.p, group=a.group, n_boot=_DRAWS)
        error = debiased_ece(a.y, a.p, group=a.group)
        found = {"slope": line.slope, "in_the_large": line.in_the_large, "ici": smooth, "debiased_ece": error}
        rows.append({"name": name, "cells": [cell(i, 2) for i in found.values()]})
        figures[name] = {k: i.to_dict() for k, i in found.items()}
    if not rows:
        return None
    return {"rows": rows, "figures": figures, "sentence": _sentence(view.delivered, figures)}


def _sentence(name: str, figures: dict[str, Any]) -> str:
    """Say for a clinician what slope and intercept mean, where their intervals leave no doubt."""
    found = figures.get(name) or {}
    (a, b) = (found.get("slope") or {}).get("ci") or (None, None)
    (c, d) = (found.get("in_the_large") or {}).get("ci") or (None, None)
    said = []
    if b is not None and b < 1:
        said.append("its probabilities are too extreme (slope below 1)")
    elif a is not None and a > 1:
        said.append("its probabilities are too timid (slope above 1)")
    if d is not None and d < 0:
        said.append("too high on the whole")
    elif c is not None and c > 0:
        said.append("too low on the whole")
    if not figures.get(name) or None in (a, b, c, d):
        return ""
    if not said:
        return f"That the probabilities of {name} are wrong is not shown."
    return f"The probabilities of {name} want recalibration: {' and '.join(said)}."
