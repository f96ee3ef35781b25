"""Plots of several small panels: learning curves, calibration curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from medgraft.report.plots import NARROW, WIDE, Painter, Plot, bare, both, elide, ticks
from medgraft.report.svg import COLOURS

Point = dict[str, Any]

_ENDS = ("predicted", "observed", "lo", "hi")


def _grid(
    figure: Any, n: int, columns: int, width: int, height: int, edges: tuple[int, int, int]
) -> list[Any]:
    """Return n equal axes; `edges` are the pixels left of, above and below each."""
    left, top, bottom = edges
    rows = math.ceil(n / columns)
    cell_w, cell_h = width / columns, height / rows
    axes = []
    for i in range(n):
        r, c = divmod(i, columns)
        x, y = c * cell_w + left, height - (r + 1) * cell_h + bottom
        box = (x / width, y / height, (cell_w - left - 12) / width, (cell_h - top - bottom) / height)
        axes.append(figure.add_axes(box))
        bare(axes[-1])
    return axes


def learning_curves(
    label: str, curves: dict[str, list[Point]], control: str, *, budget: Callable[[int], str]
) -> Plot:
    """Draw one panel an arm, each with the control behind it.

    Many arms in one panel cannot be told apart; here each is compared with what it must beat.

    Parameters
    ----------
    label : str
        For those who cannot see the plot.
    curves : dict
        By arm: points with "labels_per_class", "value", "ci".
    control : str
        Name of the control.
    budget : callable
        Writes a number of labels (-1 is all).
    """
    budgets = sorted({p["labels_per_class"] for c in curves.values() for p in c}, key=lambda b: (b < 0, b))
    where = {b: i for i, b in enumerate(budgets)}
    arms = [a for a in curves if a != control] or [control]
    known = [v for c in curves.values() for p in c for v in (p["value"], *p["ci"]) if v is not None]
    lo, hi = min(known, default=0.0), max(known, default=1.0)
    pad = 0.05 * (hi - lo) or 0.5

    def line(ax: Any, points: Sequence[Point], role: str, shape: str, dashes: str) -> None:
        points = sorted(
            (p for p in points if p["value"] is not None), key=lambda p: where[p["labels_per_class"]]
        )
        x = [where[p["labels_per_class"]] for p in points]
        full = [p for p in points if None not in p["ci"]]
        ends = ([p["ci"][0] for p in full], [p["ci"][1] for p in full])
        at = [where[p["labels_per_class"]] for p in full]
        ax.fill_between(at, *ends, color=COLOURS[role], alpha=0.18, lw=0)
        ax.plot(x, [p["value"] for p in points], dashes, marker=shape, color=COLOURS[role], ms=5, lw=2)

    def make(narrow: bool) -> tuple[Painter, int, int]:
        columns = min(len(arms), 2 if narrow else 4)
        columns = max(columns, 1 if narrow else 2)
        width = NARROW if narrow else WIDE
        height = math.ceil(len(arms) / columns) * (156 if narrow else 196)

        def paint(figure: Any) -> None:
            axes = _grid(figure, len(arms), columns, width, height, (40, 24, 40))
            for ax, arm in zip(axes, arms, strict=True):
                if arm != control:
                    line(ax, curves.get(control, []), "muted", "s", "--")
                line(ax, curves[arm], "accent", "o", "-")
                ax.set_title(
                    elide(arm, 19 if columns > 1 else 40), fontsize=12, color=COLOURS["ink"], loc="left"
                )
                ax.set_xlim(-0.35, len(budgets) - 0.65)
                ax.set_xticks(range(len(budgets)), [budget(b) for b in budgets])
                ax.set_ylim(lo - pad, hi + pad)
                ax.yaxis.set_major_locator(ticks(4))
                ax.grid(axis="y", color=COLOURS["line"], lw=0.8)
                ax.set_axisbelow(True)
                ax.set_xlabel("labels", fontsize=11, color=COLOURS["muted"], labelpad=2)

        return paint, width, height

    return both("curve", label, make)


def calibrations(
    label: str, curves: dict[str, dict[str, Any]], *, xlabel: str, ylabel: str, unit: bool
) -> Plot:
    """Draw observed against predicted, one panel an arm, with the diagonal of perfect calibration.

    Parameters
    ----------
    label : str
        For those who cannot see the plot.
    curves : dict
        By arm: {"bins": [{"predicted", "observed", "lo", "hi"}]}.
    xlabel, ylabel : str
    unit : bool
        Whether both axes run from 0 to 1.
    """
    points = [b.get(k) for c in curves.values() for b in c["bins"] for k in _ENDS]
    known = [v for v in points if v is not None]
    lo, hi = (0.0, 1.0) if unit else (min(known, default=0.0), max(known, default=1.0))
    pad = 0.04 * (hi - lo) or 0.5

    def make(narrow: bool) -> tuple[Painter, int, int]:
        columns = 1 if narrow else max(2, len(curves))
        width = NARROW if narrow else 2 * WIDE // 3
        height = math.ceil(len(curves) / columns) * (width // columns + 20)

        def paint(figure: Any) -> None:
            axes = _grid(figure, len(curves), columns, width, height, (56, 26, 46))
            for ax, (arm, curve) in zip(axes, curves.items(), strict=True):
                ax.plot([lo, hi], [lo, hi], color=COLOURS["muted"], lw=1.2, ls=(0, (4, 3)))
                for b in curve["bins"]:
                    if b.get("lo") is not None and b.get("hi") is not None:
                        ax.plot([b["predicted"]] * 2, [b["lo"], b["hi"]], color=COLOURS["accent"], lw=1.6)
                x, y = [b["predicted"] for b in curve["bins"]], [b["observed"] for b in curve["bins"]]
                ax.plot(x, y, "-o", color=COLOURS["accent"], ms=6, lw=1.2)
                ax.set_title(elide(arm, 34), fontsize=12, color=COLOURS["ink"], loc="left")
                ax.set_xlim(lo - pad, hi + pad)
                ax.set_ylim(lo - pad, hi + pad)
                ax.xaxis.set_major_locator(ticks(5))
                ax.yaxis.set_major_locator(ticks(5))
                ax.grid(color=COLOURS["line"], lw=0.8)
                ax.set_axisbelow(True)
                ax.set_xlabel(xlabel, fontsize=11, color=COLOURS["ink"])
                ax.set_ylabel(ylabel, fontsize=11, color=COLOURS["ink"])

        return paint, width, height

    return both("calibration", label, make)
