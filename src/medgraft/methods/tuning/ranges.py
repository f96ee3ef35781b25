"""Ranges of a setting, as they are written: ``log(1e-5,1e-2)``, ``int(1,9)``, ``choice(rbf,linear)``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from medgraft.base import MedgraftError
from medgraft.search.space import Choice, Float, Int

_SPELT = re.compile(r"\s*([a-z]+)\((.*)\)\s*")

RANGES: dict[str, Callable[..., Any]] = {
    "float": lambda low, high: Float(low, high),
    "log": lambda low, high: Float(low, high, log=True),
    "int": lambda low, high: Int(low, high),
    "logint": lambda low, high: Int(low, high, log=True),
    "choice": lambda *options: Choice(options),
}


def is_range(value: Any) -> bool:
    """Say whether a setting's value is a range to search.

    Examples
    --------
    >>> is_range("log(1e-5,1e-2)"), is_range("sqrt(2)"), is_range(3)
    (True, False, False)
    """
    found = _SPELT.fullmatch(value) if isinstance(value, str) else None
    return found is not None and found[1] in RANGES


def read_range(text: str) -> Any:
    """Return the part of a space that a range stands for: `Float`, `Int` or `Choice`.

    Parameters
    ----------
    text : str
        ``float(low,high)``, ``log(low,high)`` (equal factors are equally far), ``int(low,high)``,
        ``logint(low,high)`` or ``choice(a,b,...)``; options are read as JSON where they can be.

    Raises
    ------
    MedgraftError
        It is none of these, or its ends are out of order.

    Examples
    --------
    >>> read_range("int(1,9)")
    Int(low=1, high=9, log=False)
    >>> read_range("choice(0.2,rbf,true)").options
    (0.2, 'rbf', True)
    """
    if not is_range(text):
        raise MedgraftError(
            f"'{text}' is no range: write float(low,high), log(low,high), int(low,high), logint(low,high) or "
            "choice(a,b)."
        )
    match = _SPELT.fullmatch(text)
    kind, inside = (match[1], match[2]) if match else ("", "")
    values = [_value(part) for part in inside.split(",") if part.strip()]
    if kind == "choice":
        return RANGES[kind](*values)
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if len(values) != 2 or not numbers:
        raise MedgraftError(f"The range '{text}' needs two numbers: write {kind}(low,high).")
    return RANGES[kind](*values)


def extremes(text: str) -> tuple[Any, ...]:
    """Return the ends of a range, or the options of a choice: what a setting must be able to take."""
    part = read_range(text)
    return part.options if isinstance(part, Choice) else (part.low, part.high)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip()
