"""An interval of evidence in the words of the page."""

from __future__ import annotations

import math
from typing import Protocol

from medgraft.report import words


class Told(Protocol):
    """A value with the ends of its interval."""

    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def lo(self) -> float: ...  # noqa: D102
    @property
    def hi(self) -> float: ...  # noqa: D102


def known(x: float) -> float | None:
    """Return a number, or None where it is none."""
    return float(x) if math.isfinite(x) else None


def cell(i: Told, places: int = 3, *, sign: bool = False) -> tuple[str, str]:
    """Return the value and its interval as text.

    Examples
    --------
    >>> from medgraft.evidence import Interval
    >>> cell(Interval(0.5, 0.25, float("nan")), 2)
    ('0.50', '–')
    """
    value = words.number(known(i.value), places, sign=sign)
    return value, words.span((known(i.lo), known(i.hi)), places, sign=sign)
