"""Slime mould: a vein of food grows, the others wither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medgraft.search.registry import Found, Meter, Objective, Spent, search
from medgraft.search.space import Floats, Space

MOULDS = 12
RESTART = 0.03  # chance of a new place anywhere
TINY = 1e-12
MIDDLE = 0.5


def veins(value: Floats, r: Floats) -> Floats:
    r"""Return the weights :math:`1 \pm r \log_{10}(1 + (b - S_i) / (b - w))`, plus for the better half.

    Parameters
    ----------
    value : array (n,)
        Objectives S, sorted, best first; b is the first and w the last that is finite.
    r : array (n, d)
        Uniform draws.

    Examples
    --------
    >>> veins(np.array([0.0, 1.0]), np.ones((2, 1))).round(4).ravel().tolist()
    [1.0, 0.699]
    """
    finite = np.minimum(value, value[np.isfinite(value)].max(initial=0.0))
    share = (finite - finite[0]) / max(float(finite[-1] - finite[0]), TINY)
    sign = np.where(np.arange(len(value)) < (len(value) + 1) // 2, 1.0, -1.0)
    return np.asarray(1.0 + sign[:, None] * r * np.log10(share + 1.0)[:, None])


def creep(
    x: Floats,
    best: Floats,
    pair: tuple[Floats, Floats],
    weight: Floats,
    swing: tuple[Floats, Floats],
    near: Any,
) -> Floats:
    r"""Return :math:`x_b + v_b (W x_A - x_B)` where `near`, else :math:`v_c x`, inside the unit cube.

    The middle of the cube is the origin of the formula.

    Parameters
    ----------
    x, best : arrays (d,)
    pair : two arrays (d,)
        Two other moulds.
    weight : array (d,)
        See `veins`.
    swing : two arrays (d,)
        :math:`v_b` and :math:`v_c`.
    near : array (d,) of bool
    """
    towards = (best - MIDDLE) + swing[0] * (weight * (pair[0] - MIDDLE) - (pair[1] - MIDDLE))
    return np.asarray(np.clip(np.where(near, towards, swing[1] * (x - MIDDLE)) + MIDDLE, 0.0, 1.0))


@search("slime-mould", refs=("Li et al. 2020, doi:10.1016/j.future.2020.03.055",))
def slime_mould(
    f: Objective, space: Space, *, budget: int, seed: int, start: Mapping[str, Any] | None = None
) -> Found:
    r"""Slime mould algorithm: places creep around the best one, in swings that die down.

    Use it to repeat studies that tune by it. Not for optima that may lie anywhere: one of its two moves
    shrinks places towards the origin, here the middle of the space, so that it is the better the nearer the
    optimum is to it.

    Twelve moulds, sorted by objective S, with best b: with chance 0.03 a mould starts anew; else each
    coordinate, with chance :math:`\tanh|S - b|`, goes to :math:`x_b + v_b (W x_A - x_B)`, and otherwise to
    :math:`v_c x`. :math:`v_b` is uniform in :math:`\pm \mathrm{atanh}(1 - t)`, :math:`v_c` in
    :math:`\pm (1 - t)`, t the spent share of the budget, and W as in `veins`.

    Parameters
    ----------
    f, space, budget, seed, start
        See `Minimise`.

    Examples
    --------
    >>> from medgraft.search.space import Float
    >>> found = slime_mould(lambda v: v["x"] ** 2, Space({"x": Float(-1.0, 1.0)}), budget=300, seed=0)
    >>> found.value < 1e-3
    True
    """
    meter, rng = Meter(f, space, budget, start), np.random.default_rng(seed)
    n, d = min(MOULDS, meter.budget), space.d
    X = meter.first(n, rng)
    value = meter.all(X)
    best, least = X[value.argmin()].copy(), float(value.min())
    try:
        while meter.left:
            order = np.argsort(value, kind="stable")
            X, value = X[order], value[order]
            if value[0] < least:
                best, least = X[0].copy(), float(value[0])
            W = veins(value, rng.random((n, d)))
            t = 1.0 - meter.left / meter.budget
            a, b = float(np.arctanh(min(1.0 - t, 1.0 - 1e-9))), 1.0 - t
            for i in range(n):
                if rng.random() < RESTART:
                    X[i] = rng.random(d)
                else:
                    gap = value[i] - least if np.isfinite(value[i]) else np.inf
                    near = rng.random(d) < np.tanh(gap)
                    A, B = X[rng.integers(n)], X[rng.integers(n)]
                    swing = rng.uniform(-a, a, d), rng.uniform(-b, b, d)
                    X[i] = creep(X[i], best, (A, B), W[i], swing, near)
                value[i] = meter(X[i])
    except Spent:
        pass
    return meter.found()
