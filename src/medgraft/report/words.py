"""Plain words and plain numbers for a reader who is a clinician."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from medgraft.base import MedgraftError

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
WITHHELD = "withheld"  # a count of one to nine, or one that would tell such a count

DESIGNS = {
    "cross-validation": (
        "cross-validation: the patients are divided into {folds} parts; each part is tested once with models "
        "that never saw it"
    ),
    "external test": (
        "external test: the models are tested on a separate set of patients, which they never saw"
    ),
    "leave one domain out": (
        "leave one domain out: each domain is tested once with models that never saw any of its patients"
    ),
    "time-ordered": (
        "time-ordered: each patient in turn is the target; the first records teach, together with all other "
        "patients, and the later ones are tested"
    ),
}

# How the rows of a patient become one prediction.
AGGREGATES = {
    "mean": "the mean of the predictions of all samples",
    "vote": "the share of the samples whose most probable class it is",
    "max": "the largest probability of any sample: the patient is positive if one sample is",
    "noisy-or": "the chance that any sample is positive: the patient is positive if one sample is",
}

IN_ALL = ("regression", "segmentation")  # tasks whose label budget has no classes

TASKS = {
    "binary": "yes or no",
    "multiclass": "one of several classes",
    "ordinal": "one of several levels in order",
    "multilabel": "several labels, each there or not",
    "regression": "a number",
    "segmentation": "an outline",
}


def metric_label(name: str) -> str:
    """Return the name of a metric that a reader knows, or the name itself where it is not registered."""
    from medgraft.evidence.metrics import metrics

    try:
        return metrics[name].label
    except MedgraftError:
        return name


def metric_meaning(name: str) -> str:
    """Return what a metric says, in a sentence for a reader; empty where it is not registered."""
    from medgraft.evidence.metrics import metrics

    try:
        return metrics[name].meaning
    except MedgraftError:
        return ""


def decimals(metric: str, values: Iterable[float | None]) -> int:
    """Return how many decimals show three digits of the largest value; three for metrics of classes."""
    if metric not in ("mae", "rmse"):
        return 3
    largest = max((abs(v) for v in values if v is not None), default=0.0)
    return 3 if largest == 0 else min(6, max(0, 2 - math.floor(math.log10(largest))))


def number(x: float | None, places: int = 3, *, sign: bool = False) -> str:
    """Write a number with a true minus sign; a dash where there is none.

    Examples
    --------
    >>> number(-0.0512, 3, sign=True), number(None), number(-0.0001, 3)
    ('−0.051', '–', '0.000')
    """
    if x is None:
        return DASH
    text = f"{x:.{places}f}"
    if float(text) == 0:  # never "-0.000"
        return text.lstrip("-")
    return text.replace("-", MINUS) if x < 0 else f"+{text}" if sign else text


def span(ci: tuple[float | None, float | None], places: int = 3, *, sign: bool = False) -> str:
    """Write an interval in words, ``0.71 to 0.86``; a dash where an end is missing."""
    lo, hi = ci
    if lo is None or hi is None:
        return DASH
    return f"{number(lo, places, sign=sign)} to {number(hi, places, sign=sign)}"


def count(n: Any) -> str:
    """Write a whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if isinstance(n, int) else DASH


def duration(seconds: float | None) -> str:
    """Write a time as a person would.

    Examples
    --------
    >>> duration(0.034), duration(75), duration(7320)
    ('0.03 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds is None:
        return DASH
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(n: int, one: str, many: str = "") -> str:
    """Return ``1 patient`` or ``2 patients``."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def plain(value: Any, most: int = 12) -> str:
    """Write a setting, a list or a dict of the plan as text; long lists are cut, and say so.

    Examples
    --------
    >>> plain({"head": 0.001, "trunk": None}), plain(["a", "b", "c"], most=2)
    ('head 0.001, trunk none', 'a, b and 1 more')
    """
    if isinstance(value, dict):
        return _some([f"{k} {plain(v, most)}" for k, v in value.items()], most)
    if isinstance(value, list | tuple):
        return _some([plain(v, most) for v in value], most)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _some(parts: list[str], most: int) -> str:
    rest = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {rest} more" if rest > 0 else "")
