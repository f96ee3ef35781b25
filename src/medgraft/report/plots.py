"""The plots of the report, each in a wide form and in a narrow one for telephones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from medgraft.report.svg import COLOURS, draw

WIDE, NARROW = 960, 344

# Shape and colour both tell: a reader may see no colours, or a printer print none.
MARKS = {
    "control": ("s", "muted"),
    "arm": ("o", "accent"),
    "delivered": ("D", "accent"),
    "helps": ("^", "good"),
    "harms": ("v", "bad"),
    "inconclusive": ("o", "muted"),
}


@dataclass(frozen=True)
class Row:
    """One line of a forest plot: a name, a point with its interval, and the figures as text."""

    name: str
    value: float | None
    lo: float | None
    hi: float | None
    text: str
    mark: str
    bold: bool = False


@dataclass(frozen=True)
class Plot:
    """The two forms of one plot."""

    wide: Markup
    narrow: Markup


Painter = Callable[[Any], None]


def both(name: str, label: str, make: Callable[[bool], tuple[Painter, int, int]]) -> Plot:
    """Draw a plot in both forms; ``make(narrow)`` returns (painter, width, height)."""
    drawn = []
    for narrow in (False, True):
        paint, width, height = make(narrow)
        drawn.append(draw(paint, width, height, f"{name}-{'n' if narrow else 'w'}", label))
    return Plot(*drawn)


def elide(name: str, most: int) -> str:
    """Cut a long name in its middle, and keep only what can be drawn."""
    name = "".join(c if c.isprintable() else " " for c in name)
    if len(name) <= most:
        return name
    head = (most - 1) * 2 // 3
    return f"{name[:head]}…{name[len(name) - (most - 1 - head) :]}"


def forest(
    name: str,
    label: str,
    rows: Sequence[Row],
    *,
    xlabel: str,
    reference: float | None,
    reference_label: str,
    sides: tuple[str, str] | None = None,
) -> Plot:
    """Draw a forest plot.

    Parameters
    ----------
    name, label : str
        As in :func:`medgraft.report.svg.draw`.
    rows : sequence of Row
        From top to bottom.
    xlabel : str
        What the axis shows.
    reference : float or None
        Where to draw the vertical line (zero, or the control's value).
    reference_label : str
        What it means.
    sides : (str, str), optional
        What left and right of the line mean.
    """

    def make(narrow: bool) -> tuple[Painter, int, int]:
        step = 46 if narrow else 30
        width, height = NARROW if narrow else WIDE, step * len(rows) + (92 if sides else 74)

        def paint(figure: Any) -> None:
            ax = _frame(figure, rows, (width, height), step, narrow, reference)
            if reference is not None:
                _reference(ax, reference, reference_label, len(rows), step, narrow)
            for i, row in enumerate(rows):
                _line(ax, i, row, (width, step), narrow)
            for text, x, ha in zip(sides or (), (0, 1), ("left", "right"), strict=False):
                at = {"xycoords": "axes fraction", "textcoords": "offset points", "xytext": (0, -24)}
                ax.annotate(text, (x, 0), ha=ha, va="top", color=COLOURS["ink"], fontsize=11, **at)
            ax.set_xlabel(xlabel, labelpad=22 if sides else 6, color=COLOURS["ink"])

        return paint, width, height

    return both(name, label, make)


def _limits(rows: Sequence[Row], reference: float | None) -> tuple[float, float]:
    points = [v for r in rows for v in (r.value, r.lo, r.hi) if v is not None]
    points += [] if reference is None else [reference]
    lo, hi = min(points, default=0.0), max(points, default=1.0)
    pad = 0.06 * (hi - lo) or 0.05 * abs(hi) or 0.5
    return lo - pad, hi + pad


def _edges(narrow: bool) -> tuple[int, int]:
    """Return the pixels left and right of the axes; narrow rows write above their line instead."""
    return (10, 10) if narrow else (240, 210)


def _frame(
    figure: Any, rows: Sequence[Row], size: tuple[int, int], step: int, narrow: bool, reference: float | None
) -> Any:
    (width, height), (left, right), top = size, _edges(narrow), 22
    foot = height - top - step * len(rows)
    box = (left / width, foot / height, (width - left - right) / width, step * len(rows) / height)
    ax = figure.add_axes(box)
    ax.set_xlim(*_limits(rows, reference))
    ax.set_ylim(len(rows) * step, 0)
    bare(ax)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(ticks(5 if narrow else 8))
    return ax


def _reference(ax: Any, x: float, label: str, n: int, step: int, narrow: bool) -> None:
    for i in range(n):  # narrow rows have words above their line; the reference must not strike them out
        top = i * step + (24 if narrow else 0)
        ax.plot([x, x], [top, (i + 1) * step], color=COLOURS["muted"], lw=1.2, ls=(0, (4, 3)), zorder=1)
    at = {"xytext": (0, 6), "textcoords": "offset points", "ha": _anchor(ax, x), "va": "bottom"}
    ax.annotate(label, (x, 0), color=COLOURS["muted"], fontsize=11, **at)


def _line(ax: Any, i: int, row: Row, size: tuple[int, int], narrow: bool) -> None:
    width, step = size
    shape, role = MARKS[row.mark]
    colour, y = COLOURS[role], i * step + (33 if narrow else step / 2)
    if i % 2 == 0:
        ax.axhspan(i * step, (i + 1) * step, color=COLOURS["line"], alpha=0.25, lw=0, zorder=0)
    if row.lo is not None and row.hi is not None:
        ax.plot([row.lo, row.hi], [y, y], color=colour, lw=2, solid_capstyle="butt", zorder=2)
    if row.value is not None:
        face = COLOURS["bg"] if row.mark in ("control", "inconclusive") else colour
        size_ = 7 if shape == "D" else 8
        ax.plot([row.value], [y], shape, ms=size_, mfc=face, mec=colour, mew=1.8, zorder=3, clip_on=False)
    at: dict[str, Any] = {
        "transform": ax.get_yaxis_transform(),
        "va": "center",
        "color": COLOURS["ink"],
    }
    weight = "bold" if row.bold else "normal"
    if narrow:
        ax.text(0, i * step + 13, elide(row.name, 19), ha="left", weight=weight, **at)
        ax.text(1, i * step + 13, row.text, ha="right", fontsize=11, **at)
    else:
        left, right = _edges(narrow)
        inner = width - left - right
        ax.text(-(left - 8) / inner, y, elide(row.name, 30), ha="left", weight=weight, **at)
        ax.text(1 + (right - 8) / inner, y, row.text, ha="right", **at)


def _anchor(ax: Any, x: float) -> str:
    lo, hi = ax.get_xlim()
    share = (x - lo) / (hi - lo)
    return "left" if share < 0.2 else "right" if share > 0.8 else "center"


def ticks(most: int) -> Any:
    """Return a locator of at most `most` round ticks."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10])


def key(ax: Any, narrow: bool) -> None:
    """Say above the axes which line is what."""
    places = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "ncols": 3, "frameon": False}
    size = {"handlelength": 1.8, "columnspacing": 1.0 if narrow else 2.0, "fontsize": 10 if narrow else 11}
    ax.legend(**places, **size, borderaxespad=0.3, labelcolor=COLOURS["ink"])


def bare(ax: Any) -> None:
    """Take away what a plot does not need."""
    ax.patch.set_visible(False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(COLOURS["muted"])
    ax.tick_params(colors=COLOURS["muted"], labelcolor=COLOURS["ink"], labelsize=11, length=4)
