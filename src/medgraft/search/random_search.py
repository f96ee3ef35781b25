"""Random search: the control that every other search has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medgraft.search.registry import Found, Meter, Objective, search
from medgraft.search.space import Space


@search("random", refs=("Bergstra and Bengio 2012",))
def random_search(
    f: Objective, space: Space, *, budget: int, seed: int, start: Mapping[str, Any] | None = None
) -> Found:
    """Draw every point evenly and keep the best: the control.

    Parameters
    ----------
    f, space, budget, seed, start
        See `Minimise`.

    Examples
    --------
    >>> from medgraft.search.space import Float
    >>> found = random_search(lambda v: v["x"] ** 2, Space({"x": Float(-1.0, 1.0)}), budget=50, seed=0)
    >>> len(found.history), found.value < 0.01
    (50, True)
    """
    meter = Meter(f, space, budget, start)
    meter.all(meter.first(meter.budget, np.random.default_rng(seed)))
    return meter.found()
