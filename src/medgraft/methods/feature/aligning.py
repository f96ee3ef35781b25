"""When two sides can be brought into line."""

from __future__ import annotations

import numpy as np

from medgraft.methods.rows import Rows


def can_align(rows: Rows) -> bool:
    """Whether source and target have two different rows each: one alone has no spread to match."""
    keys = rows.table.keys()
    return min(len(np.unique(keys[side])) for side in (rows.source, rows.target)) >= 2
