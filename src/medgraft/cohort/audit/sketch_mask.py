"""A mask as counts: its size, and which values it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.media import open_sample

SIZE = 1
DTYPE = np.float32
ALIKE = 2.0  # two masks are never near copies: many patients have nothing to outline
SHAPE = None
CENTRE = True
FAMILIES: Mapping[str, Sequence[str]] = {}


def sketch(text: str) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the share of a mask that is no background, its shape, and its values."""
    mask: NDArray[np.int64] = open_sample("mask", text)  # type: ignore[assignment]
    share = np.array([np.count_nonzero(mask) / max(1, mask.size)], np.float32)
    values = tuple(np.unique(mask).tolist()[:65])
    return share, {"shape": mask.shape, "values": values, "filled": float(share[0])}
