"""Copies that were mirrored or turned: augmented before the data were split."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.audit.case import Case
from medgraft.cohort.audit.checks.near_duplicates import BEYOND
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.registry import check
from medgraft.cohort.audit.scopes import Copies, findings
from medgraft.cohort.audit.similar import turned_copies


@check("augmented-copies", kinds=("image",), title="Mirrored or turned copies of samples")
def augmented_copies(case: Case) -> list[Finding]:
    """Images that are other images mirrored, or turned by 90, 180 or 270 degrees.

    Such copies were made before the data were split. Augment in the training part instead.
    """
    sketch = case.sketch("image")
    best: dict[tuple[int, int], tuple[float, str]] = {}
    for name, alike in turned_copies(sketch):
        sure = ~(alike.beyond <= BEYOND)
        for (i, j), r in zip(sketch.rows[alike.pairs[sure]], alike.correlation[sure], strict=True):
            pair = (min(i, j), max(i, j))
            if r > best.get(pair, (0.0, ""))[0]:
                best[pair] = (float(r), name)
    pairs = np.array(sorted(best), dtype=np.intp).reshape(-1, 2)
    correlation = np.array([best[i, j][0] for i, j in pairs.tolist()])
    names = [best[i, j][1] for i, j in pairs.tolist()]
    turns = {name: names.count(name) for name in sorted(set(names))}
    what = "mirrored or turned copies"
    numbers = {"turns": turns, "threshold": sketch.alike}
    return findings(case, Copies("augmented-copies", what, pairs, {"correlation": correlation}, numbers))
