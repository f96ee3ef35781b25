"""Whom the model serves less well, and what transfer changes for them."""

from __future__ import annotations

from typing import Any

from medgraft.evidence import Comparison, Interval, as_metric
from medgraft.evidence.fairness import Gap, gains_by_subgroup, subgroup_report
from medgraft.report import words
from medgraft.report.sections.arrays import Arrays, arrays
from medgraft.report.sections.registry import section
from medgraft.report.sections.told import cell, known
from medgraft.report.view import View

_DRAWS = 400
_MOST_CELLS = 24
_LARGE = "calibration_in_the_large"
_TOLD = "observed minus predicted share (below 0: risks are told too high)"
_OUTCOMES = {"gains": "▲ gains", "loses": "▼ loses", "unclear": "○ unclear"}


@section("subgroups")
def subgroups(view: View) -> dict[str, Any] | None:
    """Return the trial's metric by protected attribute, site and their crossings, for two arms.

    The delivered arm, with its gaps; and where it is not the control, what it changes for each subgroup.
    None where the run names no attribute.
    """
    if view.data["task"] == "multilabel":
        return None
    a = arrays(view.run, view.delivered)
    if a is None or not a.by:
        return None
    metric = as_metric(view.data["metric"])
    how: dict[str, Any] = {"group": a.group, "repeat": a.repeat, "n_boot": _DRAWS}
    found = subgroup_report(a.y, a.p, a.by, metrics=[metric], **how)
    control = arrays(view.run, view.data["control"])
    changes = _changes(metric.name, a, control, how) if control and control.name != a.name else {}
    rows = []
    for place in [c for c in found.cells if c.shown][:_MOST_CELLS]:
        large = found.figures.get(_LARGE, {}).get(place.name)
        change = changes.get(place.name)
        rows.append(
            {
                "name": "All" if place.name == "all" else place.name.replace("=", ": ").replace("&", "and"),
                "patients": words.count(place.n_patients),
                "value": cell(found.figures[metric.name][place.name]),
                "large": cell(large, sign=True) if large else None,
                "change": _change(change.comparison) if change else None,
                "outcome": _OUTCOMES[change.outcome] if change else "",
            }
        )
    hidden = sum(not c.shown for c in found.cells)
    told = {k for k in found.gaps[metric.name] if "&" not in k}
    gaps = [
        _gap(k, g, label, of)
        for of, label in ((metric.name, view.metric["label"]), (_LARGE, _TOLD))
        for k, g in found.gaps.get(of, {}).items()
        if "&" not in k
    ]
    return {
        "rows": rows,
        "large": any(r["large"] for r in rows),
        "changes": bool(changes),
        "hidden": hidden,
        "fewest": found.fewest,
        "more": max(0, sum(c.shown for c in found.cells) - _MOST_CELLS),
        "gaps": gaps,
        "untold": [k for k in a.by if k not in told],
        "figures": _shown(found.to_dict()) | {"changes": [c.to_dict() for c in changes.values()]},
    }


def _shown(figures: dict[str, Any]) -> dict[str, Any]:
    return figures | {"cells": [c for c in figures["cells"] if c["patients"] is not None]}


def _changes(metric: str, a: Arrays, control: Arrays, how: dict[str, Any]) -> dict[str, Any]:
    return {c.subgroup: c for c in gains_by_subgroup(metric, a.y, a.p, control.p, a.by, **how)}


def _change(c: Comparison) -> tuple[str, str]:
    return cell(Interval(c.difference, c.lo, c.hi), sign=True)


def _gap(name: str, g: Gap, label: str, of: str) -> dict[str, str]:
    lowest, highest = (x.partition("=")[2] or x for x in (g.lowest, g.highest))
    low, high = (cell(g.figures[k])[0] for k in (g.lowest, g.highest))
    size, span = cell(Interval(g.value, g.lo, g.hi))
    size = "less than 0.001" if size == "0.000" and g.value > 0 else size
    shown = g.lo > 0
    end = "The subgroups are shown to differ." if shown else "That they differ is not shown."
    said = (
        f"By {name} the {label} runs from {low} ({lowest}) to {high} ({highest}): a gap of "
        f"{size} ({span}; by chance alone {words.number(known(g.by_chance))} is to be expected). {end}"
    )
    return {"name": name, "of": of, "sentence": said, "shown": "yes" if shown else ""}
