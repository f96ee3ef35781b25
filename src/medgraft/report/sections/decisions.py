"""What acting on the model would mean: a decision curve, and a threshold in natural numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.evidence.decision import cross_decisions, decision_accuracy, decision_curve
from medgraft.report import words
from medgraft.report.plots import NARROW, WIDE, Painter, Plot, bare, both, elide, key, ticks
from medgraft.report.sections.arrays import Arrays, arrays, folds_of_patients
from medgraft.report.sections.registry import section
from medgraft.report.sections.told import cell
from medgraft.report.svg import COLOURS
from medgraft.report.view import View
from medgraft.trial.table_one import FEWEST

SENSITIVITY = 0.9
_AT = np.arange(0.01, 0.96, 0.01)
_DRAWS = 500


@section("decisions")
def decisions(view: View) -> dict[str, Any] | None:
    """Return the decision curve of the delivered arm beside the control's, and its figures at a threshold.

    Binary tasks only. The threshold is chosen anew for each fold on the others, so that no patient judges
    what it helped to choose.
    """
    if view.data["task"] != "binary":
        return None
    names = dict.fromkeys([view.delivered, view.data["control"]])
    found = [a for n in names if (a := arrays(view.run, n)) is not None and len(np.unique(a.y)) == 2]
    if not found:
        return None
    curves = {
        a.name: decision_curve(a.y, a.p, thresholds=_AT, group=a.group, n_boot=_DRAWS).to_dict()
        for a in found
    }
    event = str((view.data.get("cohort") or {}).get("classes", ["", "the event"])[-1])
    points = [p for a in found if (p := _point(a)) is not None]
    return {
        "plot": _plot(curves),
        "event": event,
        "useful": [_useful(name, c) for name, c in curves.items()],
        "labels": _choosing(found[0]),
        "points": points,
        "titles": list(points[0]["cells"]) if points else [],
        "figures": curves,
    }


def _choosing(a: Arrays) -> int:
    """How many patients chose the threshold of each part, on average."""
    parts = len(np.unique(folds_of_patients(a.group, a.fold)))
    return round((1 - 1 / parts) * len(np.unique(a.group)))


def _point(a: Arrays) -> dict[str, Any] | None:
    one = a.first()
    if min(len(np.unique(one.group[one.y == k])) for k in (0, 1)) < FEWEST:
        return None  # a count of so few would be told, and a share of so few tells nothing
    fold = folds_of_patients(one.group, one.fold)
    try:
        flagged = cross_decisions(one.y, one.p, fold, "sensitivity", SENSITIVITY, group=one.group)
    except MedgraftError:  # a patient in two folds, or a fold without the event
        return None
    found = decision_accuracy(one.y, flagged, group=one.group)
    shares = [
        ("Sensitivity", found.sensitivity),
        ("Specificity", found.specificity),
        ("Of those flagged, with the event", found.ppv),
        ("Of the others, without it", found.npv),
    ]
    ratios = [
        ("Likelihood ratio, flagged", found.lr_positive),
        ("Likelihood ratio, not flagged", found.lr_negative),
    ]
    cells = {title: cell(i, 2) for title, i in [*shares, *ratios]}
    return {"name": a.name, "sentence": found.sentence(), "cells": cells, "figures": found.to_dict()}


def _useful(name: str, curve: dict[str, Any]) -> str:
    """Say where the whole band of the model lies above treating all and treating none."""
    gap, own, at = curve["model_minus_all"]["lo_all"], curve["model"]["lo_all"], curve["thresholds"]
    good = [
        t for t, a, b in zip(at, gap, own, strict=True) if a is not None and b is not None and min(a, b) > 0
    ]
    if not good:
        return f"For {name} no threshold is shown at which it is better than treating all and treating none."
    gaps = " (with gaps)" if len(good) < round((good[-1] - good[0]) / 0.01) + 1 else ""
    return (
        f"{name} is shown to be better than treating all and treating none between thresholds of "
        f"{100 * good[0]:.0f} % and {100 * good[-1]:.0f} %{gaps}."
    )


def _plot(curves: dict[str, dict[str, Any]]) -> Plot:
    names = list(curves)
    first = curves[names[0]]
    at = first["thresholds"]
    top = max(v for c in curves.values() for v in c["model"]["value"] if v is not None)

    def make(narrow: bool) -> tuple[Painter, int, int]:
        width, height = (NARROW, 300) if narrow else (2 * WIDE // 3, 340)

        def paint(figure: Any) -> None:
            ax = figure.add_axes((56 / width, 46 / height, (width - 68) / width, (height - 90) / height))
            bare(ax)
            ax.axhline(0, color=COLOURS["muted"], lw=1.4)
            styles = [("accent", "-"), ("ink", "--")]
            for name, (role, dashes) in zip(names, styles, strict=False):
                band = curves[name]["model"]
                if role == "accent":
                    ax.fill_between(at, band["lo"], band["hi"], color=COLOURS[role], alpha=0.18, lw=0)
                ax.plot(at, band["value"], dashes, color=COLOURS[role], lw=2, label=elide(name, 16))
            all_ = first["treat_all"]["value"]
            ax.plot(at, all_, color=COLOURS["muted"], lw=1.8, ls=(0, (1, 1.5)), label="treat all")
            ax.set_ylim(-0.25 * top - 0.02, 1.15 * top + 0.02)
            ax.set_xlim(0, 1)
            ax.xaxis.set_major_locator(ticks(5))
            ax.yaxis.set_major_locator(ticks(5))
            ax.set_xlabel("Threshold probability", fontsize=11, color=COLOURS["ink"])
            ax.set_ylabel("Net benefit", fontsize=11, color=COLOURS["ink"])
            key(ax, narrow)

        return paint, width, height

    said = "; ".join(
        f"{n} at a threshold of 20 %: {words.number(c['model']['value'][19])}" for n, c in curves.items()
    )
    return both("decision", f"Decision curves: net benefit against the threshold probability. {said}.", make)
