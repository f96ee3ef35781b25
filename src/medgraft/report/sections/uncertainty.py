"""When the model should hedge, and when it should keep silent."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.evidence import as_metric
from medgraft.evidence.abstain import risk_coverage
from medgraft.evidence.conformal import ConformalIntervals, ConformalSets, coverage
from medgraft.report import words
from medgraft.report.plots import NARROW, WIDE, Painter, Plot, bare, both, elide, ticks
from medgraft.report.sections.arrays import CLASSES, Arrays, arrays, folds_of_patients
from medgraft.report.sections.registry import section
from medgraft.report.svg import COLOURS
from medgraft.report.view import View
from medgraft.trial.table_one import FEWEST, withheld

ALPHA = 0.1


@section("uncertainty")
def uncertainty(view: View) -> dict[str, Any] | None:
    """Return how often conformal sets of the delivered arm held the truth, and the error of the surest.

    Each fold's sets are calibrated on the other folds' predictions, by patient, in the first repeat; the
    error of the surest is that of all repeats.
    """
    task = view.data["task"]
    a = arrays(view.run, view.delivered)
    if a is None or task not in (*CLASSES, "regression"):
        return None
    one = a.first()
    if len(np.unique(one.group)) < 20:
        return None
    sets, note = _sets(one, task)
    said = coverage(one.y, sets, group=one.group)
    classes = [str(k) for k in (view.data.get("cohort") or {}).get("classes") or []]
    lines = [("All", said["marginal"])]
    by = said.get("by_class") or {}
    shown = withheld([{k: v["patients"] for k, v in by.items()}])[0] if by else {}
    by = {k: v for k, v in by.items() if shown[k] is not None}
    lines += [(classes[int(k)] if int(k) < len(classes) else k, v) for k, v in by.items()]
    rows = [
        {
            "name": name,
            "patients": words.count(v["patients"]),
            "coverage": words.number(v["coverage"]),
            "interval": words.span((v["lo"], v["hi"])),
            "size": words.number(v["size"], 2),
        }
        for name, v in lines
    ]
    whole = task != "regression"
    curve = _curve(a) if whole else None
    return {
        "rows": rows,
        "size": "Classes in a set" if whole else "Width",
        "kinds": _kinds(sets) if whole else "",
        "promise": f"{100 * (1 - ALPHA):.0f} %",
        "note": note,
        "plot": curve[0] if curve else None,
        "sentence": curve[1] if curve else "",
        "figures": said | {"by_class": by},
    }


def _sets(a: Arrays, task: str) -> tuple[np.ndarray, str]:
    fold = folds_of_patients(a.group, a.fold)
    sets = np.zeros((len(a.y), 2)) if task == "regression" else np.zeros(a.p.shape, dtype=bool)
    notes = []
    for f in np.unique(fold):
        new, old = fold == f, fold != f
        model: Any
        if task == "regression":
            model = ConformalIntervals(ALPHA).fit(a.y[old], a.p[old], a.group[old])
        else:
            model = ConformalSets(ALPHA).fit(a.p[old], a.y[old], a.group[old])
        sets[new] = model.predict(a.p[new])
        notes.append(model.note_)
    return sets, next(filter(None, notes), "")


def _kinds(sets: np.ndarray) -> str:
    size = sets.sum(axis=1)
    one, none, several = (float(x.mean()) for x in (size == 1, size == 0, size > 1))
    said = f"{100 * one:.0f} % of the sets name one class, {100 * several:.0f} % more than one"
    return said + (f", {100 * none:.0f} % none (no class is probable enough)." if none else ".")


def _curve(a: Arrays) -> tuple[Plot, str] | None:
    wrong = (a.p.argmax(axis=1) != a.y).astype(float)
    made = risk_coverage(wrong, 1 - a.p.max(axis=1), group=a.group, n_boot=500)
    if not wrong.any():
        return None
    at, risk = made.coverage, made.risk
    first = min(int(np.searchsorted(at, FEWEST / len(np.unique(a.group)))), len(at) - 1)  # fewer are noise
    half = int(np.searchsorted(at, 0.5))

    def make(narrow: bool) -> tuple[Painter, int, int]:
        width, height = (NARROW, 240) if narrow else (2 * WIDE // 3, 280)

        def paint(figure: Any) -> None:
            ax = figure.add_axes((56 / width, 46 / height, (width - 68) / width, (height - 70) / height))
            bare(ax)
            ax.plot(at[first:], risk[first:], color=COLOURS["accent"], lw=2, drawstyle="steps-post")
            ax.set_xlim(0, 1)
            ax.set_ylim(0, max(0.05, 1.15 * float(risk[first:].max())))
            ax.xaxis.set_major_locator(ticks(5))
            ax.yaxis.set_major_locator(ticks(5))
            ax.set_xlabel("Share of patients answered, the surest first", fontsize=11, color=COLOURS["ink"])
            ax.set_ylabel("Share wrong", fontsize=11, color=COLOURS["ink"])
            ax.set_title(elide(a.name, 34), fontsize=12, color=COLOURS["ink"], loc="left")

        return paint, width, height

    label = as_metric("accuracy").label
    said = (
        f"On the surer half the share wrong is {words.number(float(risk[half]))}, on all "
        f"{words.number(float(risk[-1]))}."
    )
    return both("abstain", f"Share wrong ({label}) against the share answered. {said}", make), said
