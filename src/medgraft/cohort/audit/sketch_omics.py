"""A row of omics as a thousand of its features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample

SIZE = 1024
DTYPE = np.float32
ALIKE = 0.995
SHAPE = None
CENTRE = True  # profiles of all people correlate; only what differs from the mean profile tells them apart
FAMILIES: dict[str, tuple[str, ...]] = {}


def sketch(text: str) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Return up to 1024 features, evenly spaced along the row, and how many values are missing."""
    row = np.asarray(open_sample("omics", text), dtype=np.float32).reshape(-1)
    if len(row) == 0:
        raise MedgraftError(f"The omics row '{text}' is empty.")
    taken = row[np.unique(np.linspace(0, len(row) - 1, min(SIZE, len(row))).astype(int))]
    known = np.isfinite(taken)
    filled = np.where(known, taken, taken[known].mean() if known.any() else 0.0)
    facts = {"missing": float((~np.isfinite(row)).mean()), "sd": float(filled.std())}
    return np.pad(filled, (0, SIZE - len(filled))).astype(np.float32), facts
