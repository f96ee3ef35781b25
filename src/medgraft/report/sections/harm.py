"""Where transfer did harm: against the best arm that used no source, overall and for whom."""

from __future__ import annotations

from typing import Any

from medgraft.evidence import Interval, Metric, as_metric
from medgraft.evidence.fairness import cells
from medgraft.evidence.harm import TransferGap, transfer_gap, transfer_gaps
from medgraft.report import words
from medgraft.report.origin import without_source
from medgraft.report.sections.arrays import Arrays, arrays
from medgraft.report.sections.registry import section
from medgraft.report.sections.told import cell
from medgraft.report.view import View
from medgraft.trial.choice import YARDSTICKS

_DRAWS = 2000  # as in the table of arms
_MARKS = {"helps": "▲ helps", "harms": "▼ harms", "inconclusive": "○ open"}


@section("harm")
def harm(view: View) -> dict[str, Any] | None:
    """Return each transfer arm's gap to the best control without a source, and the worst off by subgroup."""
    if view.data["task"] == "multilabel":
        return None
    rows = [a for a in view.data["arms"] if a.get("method") not in YARDSTICKS]
    plain = [a["name"] for a in rows if without_source(a)]
    moved = [a["name"] for a in rows if a["name"] not in plain and a.get("source")]
    controls = {n: a.p for n in plain if (a := arrays(view.run, n)) is not None}
    found = {n: a for n in moved if (a := arrays(view.run, n)) is not None}
    if not controls or not found:
        return None
    metric = as_metric(view.data["metric"])
    gaps = {n: transfer_gap(metric, a.y, a.p, controls, **a.where, n_boot=_DRAWS) for n, a in found.items()}
    alone = list(controls) == [view.data["control"]]  # then the tables of arms and subgroups say it all
    by = {} if alone else _by(found.get(view.delivered), metric, controls)
    shift = view.data.get("shift") or {}
    harmful = [n for n in found if view.compared.get(n, {}).get("verdict") == "harms"]
    return {
        "rows": [] if alone else [_row(n, g) for n, g in gaps.items()],
        "by": [_row(n.replace("=", ": "), g) for n, g in by.items()],
        "harmful": harmful,
        "about": view.delivered,
        "budgets": _budgets(view, plain, moved),
        "shift": shift.get("sentences") or [],
        "figures": {n: g.to_dict() for n, g in gaps.items()}
        | {"by": {n: g.to_dict() for n, g in by.items()}},
    }


def _by(own: Arrays | None, metric: Metric, controls: dict[str, Any]) -> dict[str, TransferGap]:
    """Return the gaps of subgroups, of those alone that the section on subgroups shows.

    Two tables that hide other cells would undo each other.
    """
    if own is None or not own.by:
        return {}
    how: dict[str, Any] = {"group": own.group, "repeat": own.repeat, "n_boot": _DRAWS}
    shown = {c.name for c in cells(own.by, group=own.group) if c.shown}
    found = transfer_gaps(metric, own.y, own.p, controls, own.by, **how)
    return {name: g for name, g in found.items() if name in shown}


def _row(name: str, g: TransferGap) -> dict[str, Any]:
    return {
        "name": name,
        "control": g.control,
        "patients": words.count(g.n_patients),
        "gap": cell(Interval(g.difference, g.lo, g.hi), sign=True),
        "verdict": _MARKS[g.verdict],
    }


def _budgets(view: View, plain: list[str], moved: list[str]) -> list[str]:
    """Say at which numbers of labels an arm's figure lies below that of the best arm without a source."""
    sign = 1 if view.data["better"] == "higher" else -1
    at: dict[int, dict[str, float]] = {}
    for p in view.data.get("learning_curve") or []:
        if p.get("value") is not None:
            at.setdefault(p["labels_per_class"], {})[p["arm"]] = sign * p["value"]
    said = []
    for budget, values in sorted(at.items(), key=lambda item: (item[0] < 0, item[0])):
        best = max((values[n] for n in plain if n in values), default=None)
        worse = [n for n in moved if best is not None and n in values and values[n] < best]
        many = "all" if budget < 0 else str(budget)
        said.append(f"With {many} labels: {', '.join(worse) or 'none'}.")
    return said
