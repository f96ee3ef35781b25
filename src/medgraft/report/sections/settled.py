"""What many arms at once, and too few patients, mean for the verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.evidence import Scores, as_metric
from medgraft.evidence.bootstrap import informative, replicate
from medgraft.evidence.compare import FEWEST, differing
from medgraft.evidence.paired.difference import student
from medgraft.evidence.paired.family import family
from medgraft.evidence.paired.sample_size import sample_size
from medgraft.report import words
from medgraft.report.sections.arrays import arrays
from medgraft.report.sections.registry import section
from medgraft.report.view import View

_DRAWS = 2000
POWER = 0.8
_MOST = 10_000  # tested patients that a trial may have


@section("together")
def together(view: View) -> dict[str, Any] | None:
    """Return the verdicts of all arms against the control, after Holm's correction for their number."""
    control = arrays(view.run, view.data["control"])
    found = {n: a for n in view.counted if (a := arrays(view.run, n)) is not None}
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
    spare = ", ".join(n for n in view.compared if n not in view.counted)
    more = f" The yardstick {spare} is not counted." if spare else ""
    return {
        "sentence": f"Corrected for {len(found)} comparisons (Holm): {said}.{less}{more}",
        "figures": {n: m.to_dict() for n, m in made.items()},
    }


_VERBS = {"helps": ("helps", "help"), "harms": ("harms", "harm")}


@section("needed")
def needed(view: View) -> dict[str, Any] | None:
    """Return how many test patients would settle the verdict of the page, where it is open.

    For the models as they are: the standard error is that of drawing other patients, with the repeats held
    as they were, since more test patients leave the luck of training as it is.
    """
    guard = (view.data.get("guard") or {}).get("arm")
    c = view.compared.get(str(guard)) or view.compared.get(view.delivered)
    if not c or c.get("verdict") != "inconclusive":
        return None
    a, b = arrays(view.run, str(c["arm"])), arrays(view.run, view.data["control"])
    if a is None or b is None or a.p.shape != b.p.shape:
        return None
    metric = as_metric(view.data["metric"])
    block = a.repeat * (a.fold.max() + 1) + a.fold
    scores = Scores.of(metric, a.y, a.p, group=a.group, fold=block)
    made = replicate(metric, scores, [a.p, b.p], n_boot=_DRAWS, seed=0)
    gaps = made.draws[0] - made.draws[1]
    informed = min(informative(metric, scores), differing(metric, scores, a.p, b.p))
    if informed < FEWEST or not np.isfinite(gaps).all() or not gaps.std() > 0:
        return None
    value, n = float(made.values[0] - made.values[1]), scores.n_groups
    found = sample_size(student(value, float(gaps.std()), informed - 1, n, 0.95), power=POWER)
    if not found.patients <= _MOST:
        said = (
            f"{c['arm']} and the control are so close that more than {words.count(_MOST)} tested patients "
            "would be needed to tell them apart: no trial of practical size would."
        )
    elif found.patients <= n:
        said = (
            f"More test patients would not: {words.count(n)} are enough for these very models. Open is "
            "how they turn out with other labelled patients or folds: take more repeats, or more labels."
        )
    else:
        top = _about(found.hi) if found.hi <= _MOST else f"more than {words.count(_MOST)}"
        said = (
            f"If {c['arm']} truly differs by {words.number(value, sign=True)}, about "
            f"{_about(found.patients)} tested patients would settle it with a chance of "
            f"{100 * POWER:.0f} % (as likely as not between {_about(found.lo)} and {top}); here "
            f"{words.count(n)} were."
        )
    return {"sentence": said, "note": found.note, "figures": found.to_dict()}


def _about(patients: float) -> str:
    """Write a number of patients by its two leading digits: it is known no better.

    Examples
    --------
    >>> _about(87.4), _about(1660)
    ('87', '1\u202f700')
    """
    places = max(0, len(str(round(patients))) - 2)
    return words.count(int(round(patients, -places)))
