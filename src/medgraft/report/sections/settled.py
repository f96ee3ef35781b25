"""What many arms at once, and too few patients, mean for the verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.evidence import as_metric
from medgraft.evidence.paired.difference import student
from medgraft.evidence.paired.family import family
from medgraft.evidence.paired.sample_size import sample_size
from medgraft.report import words
from medgraft.report.sections.arrays import arrays
from medgraft.report.view import View

_DRAWS = 2000
POWER = 0.8


def together(view: View) -> dict[str, Any] | None:
    """Return the verdicts of all arms against the control, after Holm's correction for their number."""
    names = [c["arm"] for c in view.data["comparisons"]]
    control = arrays(view.run, view.data["control"])
    found = {n: a for n in names if (a := arrays(view.run, n)) is not None}
    if control is None or len(found) < 2:
        return None
    preds = {n: a.p for n, a in found.items()} | {control.name: control.p}
    try:
        made = family(
            as_metric(view.data["metric"]), control.y, preds, control.name, **control.where, n_boot=_DRAWS
        )
    except MedgraftError:  # an arm with other rows, of an interrupted run
        return None
    kept = {v: [n for n, m in made.items() if m.verdict == v] for v in ("helps", "harms")}
    told = [f"{', '.join(arms)} {_VERBS[v][len(arms) > 1]}" for v, arms in kept.items() if arms]
    said = "; ".join(told) or "no arm is shown to help or to harm"
    lost = [n for n, m in made.items() if m.alone.verdict != "inconclusive" and m.verdict == "inconclusive"]
    less = f" {', '.join(lost)}: a verdict alone, none among so many." if lost else ""
    return {
        "sentence": f"Corrected for {len(found)} comparisons (Holm): {said}.{less}",
        "figures": {n: m.to_dict() for n, m in made.items()},
    }


_VERBS = {"helps": ("helps", "help"), "harms": ("harms", "harm")}


def needed(view: View) -> dict[str, Any] | None:
    """Return how many test patients would settle the verdict of the page, where it is open."""
    guard = (view.data.get("guard") or {}).get("arm")
    c = view.compared.get(str(guard)) or view.compared.get(view.delivered)
    if not c or c.get("verdict") != "inconclusive" or None in (c.get("ci") or [None]):
        return None
    n = c.get("n_patients") or view.data.get("n_patients")
    if not n or n < 3 or not c["ci"][1] > c["ci"][0]:
        return None
    freedom = float(n - 1)
    unit = student(0.0, 1.0, freedom, n, 0.95)  # the half width of an interval whose standard error is 1
    se = (c["ci"][1] - c["ci"][0]) / (unit.hi - unit.lo)
    made = sample_size(student(c["difference"], se, freedom, n, 0.95), power=POWER)
    if not np.isfinite(made.patients) or made.patients > 1e6:
        said = (
            f"{c['arm']} and the control are so close that no trial of practical size would tell them apart."
        )
    else:
        top = words.count(round(made.hi)) if np.isfinite(made.hi) else "no upper end"
        said = (
            f"If {c['arm']} truly differs by {words.number(c['difference'], sign=True)}, about "
            f"{words.count(round(made.patients))} tested patients would settle it with a chance of "
            f"{100 * POWER:.0f} % (as likely as not between {words.count(round(made.lo))} and {top}); here "
            f"{words.count(n)} were."
        )
    return {"sentence": said, "note": made.note, "figures": made.to_dict()}
