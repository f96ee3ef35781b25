"""Names of the cells of a grid of frequency and time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from medgraft.sources.views.signal.base import Floats


def cell_names(edges: Floats, times: int, seconds: float) -> list[str]:
    """Return a name for each cell, band by band; times are told where there are several.

    Examples
    --------
    >>> cell_names(np.array([4.0, 8.0, 13.0]), 2, 4.0)
    ['4-8 Hz 0-2 s', '4-8 Hz 2-4 s', '8-13 Hz 0-2 s', '8-13 Hz 2-4 s']
    """
    at = np.linspace(0, seconds, times + 1)
    spans = [f" {a:.4g}-{b:.4g} s" for a, b in pairwise(at)] if times > 1 else [""]
    return [f"{low:.4g}-{high:.4g} Hz{span}" for low, high in pairwise(edges) for span in spans]
