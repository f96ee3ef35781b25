"""How each test sample fared: a dot for each, a line for each arm; and the examples, where there are any."""

from __future__ import annotations

import base64
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from medgraft.report import words
from medgraft.report.plots import NARROW, WIDE, Painter, Plot, bare, both, elide, ticks
from medgraft.report.svg import COLOURS

_MOST = 400  # dots of an arm; of more, as many in equal steps of rank
_SHIFTS = (0.0, 0.5, -0.5, 0.25, -0.25, 0.75, -0.75)  # of a dot from the middle of its line, by turns


def read_samples(table: pd.DataFrame | None, result: dict[str, Any]) -> dict[str, list[float]]:
    """Return each arm's figures of the trial's metric, a mean over repeats for each sample, sorted.

    Only of outlines, where each sample has a figure of its own; empty where there are no predictions.
    """
    if result["task"] != "segmentation" or table is None or result["metric"] not in table:
        return {}
    means = table.groupby(["arm", "row"], sort=False, observed=True)[result["metric"]].mean()
    return {str(arm): sorted(part.tolist()) for arm, part in means.groupby(level=0, sort=False)}


def read_examples(folder: Path, result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pictures that the run holds, as data of the page; those that are gone are left out."""
    found = []
    for example in result.get("examples") or []:
        path = folder / "examples" / Path(str(example["file"])).name
        if path.is_file():
            data = Markup("data:image/png;base64,") + base64.b64encode(path.read_bytes()).decode()
            found.append({**example, "data": data, "told": _told(example)})
    return found


def _told(example: dict[str, Any]) -> str:
    if "dice" in example:
        return f"The {example['what']} sample: Dice {words.number(example['dice'])}."
    chance = words.number(example.get("chance"), 2)
    return (
        f"The {example['what']} sample: '{example.get('predicted')}' with a probability of {chance}, truly "
        f"'{example.get('true')}'."
    )


def strips(samples: dict[str, list[float]], arms: Sequence[str], xlabel: str) -> Plot | None:
    """Draw a line of dots for each arm, one a sample, with a bar at their median."""
    names = [a for a in arms if samples.get(a)]
    if not names:
        return None
    known = [v for a in names for v in samples[a]]
    lo, hi = min(known), max(known)
    pad = 0.05 * (hi - lo) or 0.05
    medians = {a: statistics.median(samples[a]) for a in names}
    texts = {a: f"median {words.number(medians[a])}, {_span(samples[a])}" for a in names}
    spoken = "; ".join(f"{a}: {texts[a]}" for a in names)

    def make(narrow: bool) -> tuple[Painter, int, int]:
        step = 62 if narrow else 46
        width, height = NARROW if narrow else WIDE, step * len(names) + 60
        left, right = (10, 10) if narrow else (240, 210)

        def paint(figure: Any) -> None:
            box = (left / width, 50 / height, (width - left - right) / width, step * len(names) / height)
            ax = figure.add_axes(box)
            bare(ax)
            ax.set_xlim(lo - pad, hi + pad)
            ax.set_ylim(len(names) * step, 0)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            ax.xaxis.set_major_locator(ticks(5 if narrow else 8))
            ax.set_xlabel(xlabel, color=COLOURS["ink"])
            for i, a in enumerate(names):
                _strip(ax, a, thinned(samples[a]), medians[a], texts[a], i * step, (width, step), narrow)

        return paint, width, height

    return both("samples", f"A dot for each test sample, by arm. {spoken}.", make)


def _strip(
    ax: Any,
    name: str,
    dots: list[float],
    median: float,
    text: str,
    top: float,
    size: tuple[int, int],
    narrow: bool,
) -> None:
    width, step = size
    y, reach = (top + 42, 16) if narrow else (top + step / 2, 18)
    shifts = [y + 0.6 * reach * _SHIFTS[k % len(_SHIFTS)] for k in range(len(dots))]
    ax.plot(dots, shifts, "o", ms=5, mfc=COLOURS["accent"], mec=COLOURS["accent"], alpha=0.5, clip_on=False)
    ax.plot([median] * 2, [y - reach, y + reach], color=COLOURS["ink"], lw=2)
    at: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "color": COLOURS["ink"]}
    if narrow:
        ax.text(0, top + 14, elide(name, 14), ha="left", **at)
        ax.text(1, top + 14, text, ha="right", fontsize=10.5, **at)
    else:
        ax.text(-232 / (width - 450), y, elide(name, 30), ha="left", **at)
        ax.text(1 + 202 / (width - 450), y, text, ha="right", fontsize=10.5, **at)


def _span(values: list[float]) -> str:
    return f"{words.number(min(values), 2)} to {words.number(max(values), 2)}"


def thinned(values: list[float]) -> list[float]:
    """Return at most so many of sorted values that dots can be told apart, with the least and the greatest.

    Examples
    --------
    >>> len(thinned([float(v) for v in range(1000)])), thinned([1.0, 2.0])
    (400, [1.0, 2.0])
    """
    if len(values) <= _MOST:
        return values
    return [values[round(k * (len(values) - 1) / (_MOST - 1))] for k in range(_MOST)]
