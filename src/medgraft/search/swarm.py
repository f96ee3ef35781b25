"""Particle swarms: with an inertia weight, and with a constriction factor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from medgraft.search.registry import Found, Meter, Objective, Spent, search
from medgraft.search.space import Floats, Space

PARTICLES = 12
PULL = 2.0  # of the own and of the swarm's best place, with an inertia weight
INERTIA = (0.9, 0.4)  # at the start and at the end
PHI = 4.1  # sum of both pulls, with a constriction factor
FASTEST = 0.5  # of the unit cube


def constriction(phi: float) -> float:
    r"""Return the factor :math:`2 / |2 - \phi - \sqrt{\phi^2 - 4 \phi}|`, for :math:`\phi > 4`.

    Examples
    --------
    >>> round(constriction(4.1), 4)
    0.7298
    """
    return float(2.0 / abs(2.0 - phi - np.sqrt(phi**2 - 4.0 * phi)))


def velocity(
    V: Floats, X: Floats, own: Floats, best: Floats, r: tuple[Floats, Floats], keep: float, pull: float
) -> Floats:
    r"""Return :math:`k V + c r_1 (P - X) + c r_2 (g - X)`, element by element.

    Parameters
    ----------
    V, X : arrays (n, d)
        Velocities and places.
    own : array (n, d)
        Best place of each particle.
    best : array (d,)
        Best place of the swarm.
    r : two arrays (n, d)
        Uniform draws.
    keep, pull : float
        k and c.
    """
    return keep * V + pull * r[0] * (own - X) + pull * r[1] * (best - X)


def reflect(X: Floats, V: Floats) -> tuple[Floats, Floats]:
    """Stop at the walls of the unit cube: places clipped, velocity into a wall lost."""
    inside = np.clip(X, 0.0, 1.0)
    return inside, np.where(inside == X, V, 0.0)


def _fly(meter: Meter, seed: int, factors: Callable[[float], tuple[float, float]]) -> Found:
    rng = np.random.default_rng(seed)
    n = min(PARTICLES, meter.budget)
    X = meter.first(n, rng)
    V = (rng.random(X.shape) - 0.5) * FASTEST
    own, value = X.copy(), meter.all(X)
    try:
        while meter.left:
            keep, pull = factors(1.0 - meter.left / meter.budget)
            r = rng.random(X.shape), rng.random(X.shape)
            V = np.clip(velocity(V, X, own, own[value.argmin()], r, keep, pull), -FASTEST, FASTEST)
            X, V = reflect(X + V, V)
            for i in range(n):
                now = meter(X[i])
                if now < value[i]:
                    own[i], value[i] = X[i], now
    except Spent:
        pass
    return meter.found()


@search("pso", refs=("Shi and Eberhart 1998, doi:10.1109/ICEC.1998.699146",))
def pso(
    f: Objective, space: Space, *, budget: int, seed: int, start: Mapping[str, Any] | None = None
) -> Found:
    r"""Particle swarm whose inertia weight falls from 0.9 to 0.4.

    Use it for some tens of calls or more of an objective that is rough or without derivative. Not for a
    handful of calls: that is random search.

    Twelve particles move by :math:`v \leftarrow w v + 2 r_1 (p - x) + 2 r_2 (g - x)`, p being a particle's
    best place and g the swarm's, :math:`r_1` and :math:`r_2` uniform; w falls evenly over the budget. No
    velocity is more than half the cube, and walls stop a particle.

    Parameters
    ----------
    f, space, budget, seed, start
        See `Minimise`.

    Examples
    --------
    >>> from medgraft.search.space import Float
    >>> found = pso(lambda v: v["x"] ** 2, Space({"x": Float(-1.0, 1.0)}), budget=200, seed=0)
    >>> found.value < 1e-4
    True
    """
    high, low = INERTIA
    return _fly(Meter(f, space, budget, start), seed, lambda t: (high + t * (low - high), PULL))


@search("pso-constriction", refs=("Clerc and Kennedy 2002, doi:10.1109/4235.985692",))
def pso_constriction(
    f: Objective, space: Space, *, budget: int, seed: int, start: Mapping[str, Any] | None = None
) -> Found:
    r"""Particle swarm with Clerc and Kennedy's constriction factor, which makes it settle.

    Use it as `pso`; it settles sooner. Particles move by
    :math:`v \leftarrow \chi (v + 2.05 r_1 (p - x) + 2.05 r_2 (g - x))` with :math:`\chi = 0.7298`.

    Parameters
    ----------
    f, space, budget, seed, start
        See `Minimise`.

    Examples
    --------
    >>> from medgraft.search.space import Float
    >>> found = pso_constriction(lambda v: v["x"] ** 2, Space({"x": Float(-1.0, 1.0)}), budget=200, seed=0)
    >>> found.value < 1e-4
    True
    """
    chi = constriction(PHI)
    return _fly(Meter(f, space, budget, start), seed, lambda t: (chi, chi * PHI / 2.0))
