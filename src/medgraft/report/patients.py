"""Who the patients are and where they went: the flow diagram, and table one."""

from __future__ import annotations

from typing import Any

from medgraft.report import words
from medgraft.report.plots import NARROW, WIDE, Painter, both, elide
from medgraft.report.read import Run
from medgraft.report.svg import COLOURS
from medgraft.trial.table_one import FEWEST, withheld

_WHOLE = "all"  # a column that is the sum of the others
_STEP, _BOX = 92, 58  # from box to box, and a box's height, in pixels


def flow(run: Run) -> dict[str, Any] | None:
    """Draw how many samples and patients went where; None where the run does not say."""
    f = (run.result.get("cohort") or {}).get("flow")
    if not f:
        return None
    boxes = _boxes(f, run.result)

    def make(narrow: bool) -> tuple[Painter, int, int]:
        rows = [[box] for line in boxes for box in line] if narrow else boxes
        width, height = NARROW if narrow else WIDE, _STEP * len(rows) - (_STEP - _BOX) + 8

        def paint(figure: Any) -> None:
            ax = figure.add_axes((0, 0, 1, 1))
            ax.set_xlim(0, width)
            ax.set_ylim(height, 0)
            ax.set_axis_off()
            for i, line in enumerate(rows):
                _line(ax, i, line, [] if i + 1 == len(rows) else rows[i + 1], width, narrow)

        return paint, width, height

    spoken = "; then ".join(" and ".join(f"{title}: {note}" for title, note in line) for line in boxes)
    plot = both("flow", f"Flow of the samples. {spoken}.", make)
    return {"plot": plot, "left_out": f.get("left_out") or []}


def _boxes(f: dict[str, Any], result: dict[str, Any]) -> list[list[tuple[str, str]]]:
    design = result.get("design") or {}
    parts = [[("Included", _count(f["included"]))]]
    if f["source"]["rows"]:
        parts.append([("Source", _count(f["source"])), ("Target", _count(f["target"]))])
    whose = "target samples" if f["source"]["rows"] else "samples"  # without a source there is no target
    learnt = [f"{_span(f['learnt'])} {whose} with their label"]
    if f["hidden"][1]:
        learnt.append(f"{_span(f['hidden'])} without it")
    fits = words.plural(f["fits"], "training part")
    parts.append([(f"Taught a model ({fits})", ", ".join(learnt))])
    how = "each by models that never saw it" if design.get("kind") != "time-ordered" else "later records"
    parts.append([(f"Tested, {how}", _count(f["tested"]))])
    return parts


def _count(n: dict[str, int]) -> str:
    rows, patients = n["rows"], n["patients"]
    who = "" if rows == patients else f" of {words.plural(patients, 'patient')}"
    return words.plural(rows, "sample") + who


def _span(ends: list[int]) -> str:
    lo, hi = ends
    return words.count(lo) if lo == hi else f"{words.count(lo)} to {words.count(hi)}"


def _line(
    ax: Any, i: int, line: list[tuple[str, str]], below: list[tuple[str, str]], width: int, narrow: bool
) -> None:
    most, middle = (40 if narrow else 58), [(k + 0.5) * width / len(line) for k in range(len(line))]
    half = (width - 12) / 2 if narrow else 230
    for x, (title, note) in zip(middle, line, strict=True):
        top = i * _STEP + 4
        corners = (
            [x - half, x + half, x + half, x - half, x - half],
            [top, top, top + _BOX, top + _BOX, top],
        )
        ax.plot(*corners, color=COLOURS["muted"], lw=1.2)
        size = 10.5 if narrow else 12
        ax.text(x, top + 19, elide(title, most), ha="center", va="center", weight="bold", fontsize=size,
                color=COLOURS["ink"])  # fmt: skip
        ax.text(x, top + 40, elide(note, most), ha="center", va="center", fontsize=size, color=COLOURS["ink"])
    under = [(k + 0.5) * width / len(below) for k in range(len(below))]
    for a in middle:
        for b in under:
            start, end = i * _STEP + 4 + _BOX, (i + 1) * _STEP + 4
            arrow = {"arrowstyle": "-|>", "color": COLOURS["muted"], "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", (b, end), (a, start), arrowprops=arrow)


def table_one(run: Run) -> dict[str, Any] | None:
    """Return table one ready to be shown: columns, and for each variable its lines."""
    t = (run.result.get("cohort") or {}).get("table_one")
    if not t:
        return None
    lines = []
    for v in t["variables"]:
        if v["kind"] == "number":
            cells = [_quartiles(c) for c in v["cells"]]
            lines.append({"name": v["name"], "cells": cells, "first": True})
        else:
            lines += _levels(v)
        gaps = [_gap(m, c["rows"]) for m, c in zip(v["missing"], t["columns"], strict=True)]
        most = max((m or 0.0 for m in v["missing"]), default=0.0)
        if most > 0.5 or set(gaps) - {words.WITHHELD, words.DASH, "0 %"}:  # else there are few, if any
            lines.append({"name": "missing", "cells": gaps, "first": False})
    sizes = withheld([{c["name"]: c["rows"] for c in t["columns"] if c["name"] != _WHOLE}])[0]
    columns = [f"{c['name']} (n = {_size(sizes.get(c['name'], c['rows']))})" for c in t["columns"]]
    return {"columns": columns, "lines": lines, "more": t.get("more") or 0}


def _levels(v: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a heading and a line for each level; levels that are withheld everywhere share one line."""
    lines: list[dict[str, Any]] = []
    kept = [words.WITHHELD] * len(v["cells"])
    hidden = []
    for level in dict.fromkeys(k for c in v["cells"] for k in c):
        cells = [_level(c, level) for c in v["cells"]]
        if cells == kept:
            hidden.append(level)
        else:
            lines.append({"name": level, "cells": cells, "first": False})
    if not lines:
        return [{"name": f"{v['name']} ({', '.join(hidden)})", "cells": kept, "first": True}]
    if hidden:
        lines.append({"name": ", ".join(hidden), "cells": kept, "first": False})
    return [{"name": v["name"], "cells": [""] * len(kept), "first": True}, *lines]


def _size(n: int | None) -> str:
    return words.WITHHELD if n is None else words.count(n)


def _gap(share: float | None, rows: int) -> str:
    """Write the share of missing values, given to two decimals; none where it speaks of fewer than ten."""
    if share is None:
        return words.DASH
    few = any(0 < s < 1 and (s - 0.005) * rows < FEWEST for s in (share, 1 - share))
    return words.WITHHELD if few else f"{100 * share:.0f} %"


def _quartiles(cell: list[float | None] | None) -> str:
    if cell is None or None in cell:
        return words.DASH
    middle, lo, hi = (f"{x:.0f}" if abs(x or 0) >= 100 else f"{x:.3g}" for x in cell)
    return f"{middle} ({lo}–{hi})"


def _level(counts: dict[str, int | None], level: str) -> str:
    n = counts.get(level, 0)
    if n is None:
        return words.WITHHELD
    known = [v for v in counts.values() if v is not None]
    if len(known) < len(counts) or not sum(known):  # a share would give the withheld counts away
        return words.count(n)
    return f"{words.count(n)} ({100 * n / sum(known):.0f} %)"
