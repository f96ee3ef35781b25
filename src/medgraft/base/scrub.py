"""File paths out of what is written: results and reports are made to be sent."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

# A path from a root, home or dot; not a web address, and not "mg/dL" or "and/or".
_PATH = re.compile(
    r"""(?<![\w:/.~\\])(?:[A-Za-z]:|~|\.{1,2})?[/\\]+(?:[^/\\'"\s<>|]+[/\\]+)+([^/\\'"\s<>|]*)"""
)


def scrub(value: Any) -> Any:
    """Return a copy as JSON can hold it, in which every file path is cut to its last part.

    Numpy's values become plain ones, and NaN and infinities None.

    Examples
    --------
    >>> scrub("cannot read '/home/ana/scans/p1.png', mg/dL")
    "cannot read 'p1.png', mg/dL"
    """
    if isinstance(value, str):
        return _PATH.sub(lambda m: m.group(1) or "(folder)", value)
    if isinstance(value, dict):
        return {scrub(str(k)): scrub(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return scrub(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
