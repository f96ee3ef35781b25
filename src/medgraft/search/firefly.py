"""Fireflies: each flies towards every brighter one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medgraft.search.registry import Found, Meter, Objective, Spent, search
from medgraft.search.space import Floats, Space

FLIES = 8
BRIGHT = 1.0  # attraction at distance 0
FADING = 1.0  # over the squared diagonal of the cube, so that it means the same in every dimension
NOISE = 0.25
COOLING = 0.93  # a generation


def move(x: Floats, brighter: Floats, noise: Floats, fading: float) -> Floats:
    r"""Return :math:`x + e^{-\gamma \|x - z\|^2} (z - x) + \epsilon`, inside the unit cube.

    Parameters
    ----------
    x, brighter : arrays (d,)
        A fly, and one of lower objective z.
    noise : array (d,)
        :math:`\epsilon`.
    fading : float
        :math:`\gamma`.

    Examples
    --------
    >>> move(np.array([0.0]), np.array([0.5]), np.array([0.1]), 0.0).tolist()
    [0.6]
    """
    pull = BRIGHT * np.exp(-fading * float(((x - brighter) ** 2).sum()))
    return np.asarray(np.clip(x + pull * (brighter - x) + noise, 0.0, 1.0))


@search("firefly", refs=("Yang 2009, doi:10.1007/978-3-642-04944-6_14",))
def firefly(
    f: Objective, space: Space, *, budget: int, seed: int, start: Mapping[str, Any] | None = None
) -> Found:
    r"""Fireflies that fly towards brighter ones, with noise that dies down.

    Use it where there may be several valleys. Not for a handful of calls: a generation takes up to 28.

    Each of eight flies moves by :math:`x \leftarrow x + e^{-\gamma \|x - z\|^2} (z - x) + \alpha (u - 1/2)`
    for every other fly z that is brighter (of lower objective), and is measured after each move; u is
    uniform, :math:`\gamma` is 1 over the number of coordinates and :math:`\alpha` is 0.25, less by 7 % a
    generation. The brightest makes the noise's move alone, and goes back where that was no better.

    Parameters
    ----------
    f, space, budget, seed, start
        See `Minimise`.

    Examples
    --------
    >>> from medgraft.search.space import Float
    >>> found = firefly(lambda v: v["x"] ** 2, Space({"x": Float(-1.0, 1.0)}), budget=300, seed=0)
    >>> found.value < 1e-3
    True
    """
    meter, rng = Meter(f, space, budget, start), np.random.default_rng(seed)
    n, d = min(FLIES, meter.budget), space.d
    X = meter.first(n, rng)
    value = meter.all(X)
    noise, fading = NOISE, FADING / d
    try:
        while meter.left:
            for i in range(n):
                moved = False
                for j in range(n):
                    if value[j] < value[i]:
                        X[i] = move(X[i], X[j], noise * (rng.random(d) - 0.5), fading)
                        value[i] = meter(X[i])
                        moved = True
                if not moved:
                    tried = np.clip(X[i] + noise * (rng.random(d) - 0.5), 0.0, 1.0)
                    now = meter(tried)
                    if now < value[i]:
                        X[i], value[i] = tried, now
            noise *= COOLING
    except Spent:
        pass
    return meter.found()
