"""The registry of optimisers, and what all of them share: budget, bounds, history."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from medgraft.base import MedgraftError, Registry
from medgraft.search.space import Floats, Space

Objective = Callable[[dict[str, Any]], float]


@dataclass(frozen=True)
class Found:
    """What a search found.

    Parameters
    ----------
    best : dict
        The first values of least objective.
    value : float
        Their objective; infinite when it was never a number.
    history : list of (dict, float)
        Every call in order: values and objective, NaN as it came.
    """

    best: dict[str, Any]
    value: float
    history: list[tuple[dict[str, Any], float]]


class Minimise(Protocol):
    """The signature of every optimiser."""

    def __call__(
        self,
        f: Objective,
        space: Space,
        *,
        budget: int,
        seed: int,
        start: Mapping[str, Any] | None = None,
    ) -> Found:
        """Call `f` at most `budget` times, the first time with `start` if given."""
        ...


@dataclass(frozen=True)
class Search:
    """What is known of an optimiser without running it.

    Parameters
    ----------
    name : str
    minimise : callable
        See `Minimise`.
    refs : tuple of str
        Papers.
    summary : str
        First line of its docstring.
    """

    name: str
    minimise: Minimise
    refs: tuple[str, ...]
    summary: str


searches: Registry[Search] = Registry("search", packages=("medgraft.search",))

M = TypeVar("M", bound=Minimise)


def search(name: str, *, refs: tuple[str, ...] = ()) -> Callable[[M], M]:
    """Register a function as the optimiser `name`, and leave it as it is.

    Examples
    --------
    >>> from medgraft.search import searches
    >>> searches["random"].name
    'random'
    """

    def register(minimise: M) -> M:
        summary = (inspect.getdoc(minimise) or "").split("\n", 1)[0]
        searches.add(name, Search(name, minimise, tuple(refs), summary))
        return minimise

    return register


class Spent(Exception):
    """The budget is spent: ends a search from within, and never leaves this package."""


class Meter:
    """Counts the calls of an objective on the unit cube, and remembers them.

    Parameters
    ----------
    f, space, budget, start
        See `Minimise`.

    Raises
    ------
    MedgraftError
        The budget is less than 1.

    Examples
    --------
    >>> from medgraft.search.space import Float
    >>> meter = Meter(lambda v: v["x"] ** 2, Space({"x": Float(-1.0, 1.0)}), 10)
    >>> meter(np.array([0.75]))
    0.25
    """

    def __init__(
        self, f: Objective, space: Space, budget: int, start: Mapping[str, Any] | None = None
    ) -> None:
        if int(budget) != budget or budget < 1:
            raise MedgraftError(f"The budget is a number of calls from 1, not {budget!r}.")
        self.f, self.space, self.budget = f, space, int(budget)
        self.start = None if start is None else space.place(start)
        self.history: list[tuple[dict[str, Any], float]] = []

    def __call__(self, u: Floats) -> float:
        """Objective at a place (d,) of the unit cube; what is not a number counts as infinite."""
        if len(self.history) >= self.budget:
            raise Spent
        values = self.space.values(u)
        value = float(self.f(values))
        self.history.append((values, value))
        return np.inf if np.isnan(value) else value

    def all(self, U: Floats) -> Floats:
        """Objectives (n,) of places (n, d), one after the other."""
        return np.array([self(u) for u in U])

    def first(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw n places (n, d) evenly; the start, if any, is the first."""
        U = rng.random((n, self.space.d))
        if self.start is not None:
            U[0] = self.start
        return U

    @property
    def left(self) -> int:
        """Calls that are left."""
        return self.budget - len(self.history)

    def found(self) -> Found:
        """Sum up."""
        objective = [np.inf if np.isnan(v) else v for _, v in self.history]
        at = int(np.argmin(objective))
        return Found(self.history[at][0], objective[at], self.history)
