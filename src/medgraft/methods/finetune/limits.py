"""What the settings of training can be: numbers within limits, and words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from medgraft.methods.finetune.activations import TYPES
from medgraft.methods.table import InputError


@dataclass(frozen=True)
class Number:
    """A setting that is a number from `low` to `high`.

    Parameters
    ----------
    low, high : float
    whole : bool
        No fractions.
    above : bool
        `low` itself is too low.
    optional : bool
        None stands for a choice by the method.

    Examples
    --------
    >>> print(Number(1, whole=True), "|", Number(0, above=True), "|", Number(0, 0.5))
    a whole number from 1 | a number above 0 | a number from 0 to 0.5
    """

    low: float = 0.0
    high: float = math.inf
    whole: bool = False
    above: bool = False
    optional: bool = False

    def __contains__(self, value: Any) -> bool:
        if value is None:
            return self.optional
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        inside = self.low < number if self.above else self.low <= number
        return inside and number <= self.high and math.isfinite(number)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        end = "" if math.isinf(self.high) else f" to {self.high:g}"
        return f"{kind} {'above' if self.above else 'from'} {self.low:g}{end}"


Limit = Number | tuple[str | None, ...]

COUNT, RATE, SHARE = Number(1, whole=True), Number(above=True), Number(0.0, 1.0)

LIMITS: dict[str, Limit] = {
    "epochs": Number(whole=True),  # below zero lightning would train without end
    "pretext_epochs": Number(whole=True),
    "adapt_epochs": Number(whole=True),
    "lr": RATE,
    "head_lr": RATE,
    "adapt_lr": RATE,
    "weight_decay": Number(),
    "batch_size": COUNT,
    "views": COUNT,
    "rank": COUNT,
    "validation": Number(0.0, 0.5),  # more than half would be held out of what there is to learn from
    "patience": Number(whole=True),
    "frozen": SHARE,
    "threshold": SHARE,
    "size": Number(whole=True),
    "patch": Number(whole=True),
    "spacing": Number(),
    "cache": tuple(TYPES),
    "batchnorm": ("frozen", "recompute", "adapt"),
    "class_weight": (None, "balanced"),
}


def check_limits(settings: Mapping[str, Any], **own: Limit) -> None:
    """Raise unless each setting that has limits is within them.

    Parameters
    ----------
    settings : dict
        A method's settings, as `get_params` gives them.
    **own : Number or tuple of str
        Limits of this method that are others than those of `LIMITS`.

    Raises
    ------
    InputError
        A number is out of range, or a word does not exist.

    Examples
    --------
    >>> check_limits({"epochs": 3, "cache": "float16"})
    >>> check_limits({"epochs": -1})
    Traceback (most recent call last):
    medgraft.methods.table.InputError: epochs=-1 is out of range: use a whole number from 0.
    """
    for name, limit in (LIMITS | own).items():
        if name not in settings or settings[name] in limit:
            continue
        value = settings[name]
        if isinstance(limit, Number):
            shown = f"'{value}'" if isinstance(value, str) else value
            raise InputError(f"{name}={shown} is out of range: use {limit}.")
        words = [word for word in limit if word is not None]
        raise InputError(f"{name}='{value}' does not exist: use {', '.join(words)}.")
