"""Which plots a run calls for, and what each says to those who cannot see it."""

from __future__ import annotations

from typing import Any

from medgraft.report import words
from medgraft.report.panels import calibrations, learning_curves
from medgraft.report.plots import Plot, Row, forest
from medgraft.report.samples import strips
from medgraft.report.view import View, ends


def values(view: View) -> Plot:
    """Draw every arm's value with its interval, and a line at the control's."""
    label = view.metric["label"]
    rows = []
    for shown, a in zip(view.arms, view.data["arms"], strict=True):
        mark = "delivered" if shown["is_delivered"] else "control" if shown["role"] == "control" else "arm"
        lo, hi = ends(a)
        rows.append(
            Row(
                a["name"],
                a.get("value"),
                lo,
                hi,
                _text(shown["value"], shown["interval"]),
                mark,
                mark == "delivered",
            )
        )
    control = next((a.get("value") for a in view.data["arms"] if a["name"] == view.data["control"]), None)
    return forest(
        "values",
        f"Forest plot of {label} with 95 % intervals. " + _spoken(rows),
        rows,
        xlabel=f"{label} ({view.metric['better']} is better)",
        reference=control,
        reference_label="the control",
    )


def differences(view: View) -> Plot | None:
    """Draw every arm's difference from the control, and a line at zero."""
    rows = []
    for a in view.arms:
        c = view.compared.get(a["name"])
        if c is None or a["is_yardstick"]:  # so far off that it would hide how the others differ
            continue
        mark = a["verdict"] if a["verdict"] in ("helps", "harms") else "inconclusive"
        text = _text(a["difference"], a["difference_interval"])
        rows.append(Row(a["name"], c.get("difference"), *ends(c), text, mark, a["is_delivered"]))
    if not rows:
        return None
    better_right = view.metric["better"] == "higher"
    sides = ("← worse", "better →") if better_right else ("← better", "worse →")
    return forest(
        "differences",
        f"Forest plot of the differences in {view.metric['label']} from the control, with 95 % intervals. "
        + _spoken(rows),
        rows,
        xlabel=f"Difference in {view.metric['label']} from the control",
        reference=0.0,
        reference_label="no difference",
        sides=sides,
    )


def _text(value: str, interval: str) -> str:
    return f"{value}  ({interval})" if interval != words.DASH else value


def _spoken(rows: list[Row]) -> str:
    return "; ".join(f"{r.name}: {r.text}" for r in rows) + "."


def samples(view: View) -> Plot | None:
    """Draw how each test sample fared, where each has a figure of its own."""
    xlabel = f"{view.metric['label']} of a sample ({view.metric['better']} is better)"
    return strips(view.run.samples, [a["name"] for a in view.data["arms"]], xlabel)


def learning_curve(view: View) -> dict[str, Any] | None:
    """Draw the metric against the number of labels, where several were asked for."""
    points = view.data.get("learning_curve")
    if not points:
        return None
    curves: dict[str, list[dict[str, Any]]] = {}
    for p in points:
        curves.setdefault(p["arm"], []).append(p)
    budgets = sorted({p["labels_per_class"] for p in points}, key=lambda b: (b < 0, b))
    label = view.metric["label"]
    spoken = f"Learning curves: {label} against the number of labels ({', '.join(map(_budget, budgets))}), "
    plot = learning_curves(
        spoken + "one panel an arm with the control behind it; the figures are in the table below.",
        curves,
        view.data["control"],
        budget=_budget,
    )
    places = view.places[0]
    rows = []
    for arm, mine in curves.items():
        at = {p["labels_per_class"]: p for p in mine}
        cells = [
            (words.number(at.get(b, {}).get("value"), places), words.span(ends(at.get(b)), places))
            for b in budgets
        ]
        rows.append({"name": arm, "cells": cells})
    return {"plot": plot, "budgets": [_budget(b) for b in budgets], "rows": rows}


def _budget(n: int) -> str:
    return "all" if n < 0 else str(n)


def calibration(view: View) -> dict[str, Any] | None:
    """Draw the calibration of the delivered arm, and beside it of the control or the best other arm."""
    found = {name: c for name, c in view.run.calibration.items() if c.get("bins")}
    if not found:
        return None
    sign = 1 if view.metric["better"] == "higher" else -1
    scored = [a for a in view.data["arms"] if a.get("value") is not None and a.get("role") == "transfer"]
    best = [a["name"] for a in sorted(scored, key=lambda a: -sign * a["value"])]
    wanted = dict.fromkeys([view.delivered, view.data["control"], *best, *found])
    curves = {name: found[name] for name in wanted if name in found and name not in view.spare}
    curves = dict(list(curves.items())[:2])
    of = next(iter(curves.values())).get("of")
    xlabel, ylabel, what = {
        "event": ("Predicted probability", "Observed share", "predicted probability of the event"),
        "top class": ("Confidence", "Share that is right", "probability of the most probable class"),
    }.get(str(of), ("Predicted", "Observed", "prediction"))
    plot = calibrations(
        f"Calibration curves of {' and '.join(curves)}: what was observed against the {what}, with 95 % "
        "intervals; points on the diagonal are perfectly calibrated.",
        curves,
        xlabel=xlabel,
        ylabel=ylabel,
        unit=of in ("event", "top class"),
    )
    below = {"event": "the model promises too much", "top class": "the model is too sure of itself"}
    return {"plot": plot, "what": what, "below": below.get(str(of), "predictions are too high")}
