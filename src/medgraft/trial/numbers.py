"""Settings that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError


def check_numbers(**given: Any) -> None:
    """Refuse what is no number, or out of range, before anything is computed."""
    lowest = {"folds": 2, "repeats": 1, "seed": 0}
    for name, value in given.items():
        if value is None or (name == "folds" and value in ("domain", "time")):
            continue
        wanted = (int, float, np.integer) if name == "budget" else (int, np.integer)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise MedgraftError(f"{name} takes a number, not {value!r}.")
        if value < lowest.get(name, -1) or (name in ("jobs", "budget") and value == 0):
            raise MedgraftError(f"{name}={value} is out of range.")
