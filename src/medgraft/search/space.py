"""Typed spaces, and the unit cube behind them on which every optimiser moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Float:
    """A number between two ends.

    Parameters
    ----------
    low, high : float
    log : bool
        Whether equal factors are equally far; the ends are positive then.

    Examples
    --------
    >>> round(Float(0.01, 100.0, log=True).value(np.array([0.5])), 9)
    1.0
    """

    low: float
    high: float
    log: bool = False
    width = 1

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise MedgraftError(f"A range needs two finite ends in order, not {self.low} and {self.high}.")
        if self.log and self.low <= 0:
            raise MedgraftError(f"A logarithmic range starts above 0, not at {self.low}.")

    def value(self, u: Floats) -> float:
        """Return the number at a place (1,) of the unit cube."""
        if self.log:
            a, b = math.log(self.low), math.log(self.high)
            return min(max(math.exp(a + float(u[0]) * (b - a)), self.low), self.high)
        return min(max(self.low + float(u[0]) * (self.high - self.low), self.low), self.high)

    def place(self, value: Any) -> Floats:
        """Return the place (1,) of a number."""
        v = float(value)
        if not self.low <= v <= self.high:
            raise MedgraftError(f"{value!r} is not between {self.low} and {self.high}.")
        if self.log:
            return np.array([math.log(v / self.low) / math.log(self.high / self.low)])
        return np.array([(v - self.low) / (self.high - self.low)])


@dataclass(frozen=True)
class Int:
    """A whole number from one end to the other, both included.

    Parameters
    ----------
    low, high : int
    log : bool
        Whether equal factors are equally far.

    Examples
    --------
    >>> [Int(1, 4).value(np.array([u])) for u in (0.0, 0.3, 0.6, 1.0)]
    [1, 2, 3, 4]
    """

    low: int
    high: int
    log: bool = False
    width = 1

    def __post_init__(self) -> None:
        if int(self.low) != self.low or int(self.high) != self.high:
            raise MedgraftError(f"The ends are whole numbers, not {self.low} and {self.high}.")
        Float(self.low - 0.5, self.high + 0.5, self.log)  # checks their order

    @property
    def _range(self) -> Float:
        # Half a step more at both ends, so that every number has its share of the cube.
        return Float(self.low - 0.5, self.high + 0.5, self.log)

    def value(self, u: Floats) -> int:
        """Return the number at a place (1,) of the unit cube."""
        return min(max(math.floor(self._range.value(u) + 0.5), self.low), self.high)

    def place(self, value: Any) -> Floats:
        """Return a place (1,) of a number."""
        if int(value) != value or not self.low <= value <= self.high:
            raise MedgraftError(f"{value!r} is no whole number from {self.low} to {self.high}.")
        return self._range.place(value)


@dataclass(frozen=True)
class Choice:
    """One of several values, none nearer to one than to another.

    Parameters
    ----------
    options : tuple
        Values of any type.

    Notes
    -----
    Each option has a coordinate of its own, and the largest wins: a single coordinate would make neighbours
    of options that have nothing in common.

    Examples
    --------
    >>> Choice(("rbf", "linear")).value(np.array([0.2, 0.9]))
    'linear'
    """

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise MedgraftError("A choice needs at least one option.")

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return len(self.options)

    def value(self, u: Floats) -> Any:
        """Return the option of the largest coordinate."""
        return self.options[int(np.argmax(u))]

    def place(self, value: Any) -> Floats:
        """Return a place (options,) of an option."""
        if value not in self.options:
            raise MedgraftError(f"{value!r} is none of the options {', '.join(map(repr, self.options))}.")
        return np.eye(len(self.options))[self.options.index(value)] * 0.5 + 0.25


@dataclass(frozen=True)
class Simplex:
    """Weights that are not negative and sum to 1, such as those of the members of an ensemble.

    Parameters
    ----------
    n : int
        Number of weights.

    Notes
    -----
    A weight is :math:`-\\log(1 - u_j)` over the sum of these: evenly drawn coordinates give evenly drawn
    weights.

    Examples
    --------
    >>> Simplex(2).value(np.array([0.5, 0.5])).tolist()
    [0.5, 0.5]
    """

    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise MedgraftError(f"There must be at least one weight, not {self.n}.")

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return self.n

    def value(self, u: Floats) -> Floats:
        """Return weights (n,)."""
        e = -np.log1p(-np.minimum(u, 1.0 - 1e-12))
        return e / e.sum() if e.sum() > 0 else np.full(self.n, 1.0 / self.n)

    def place(self, value: Any) -> Floats:
        """Return a place (n,) of weights."""
        w = np.asarray(value, dtype=np.float64)
        if w.shape != (self.n,) or (w < 0).any() or not np.isclose(w.sum(), 1.0):
            raise MedgraftError(f"{value!r} are not {self.n} weights from 0 that sum to 1.")
        return -np.expm1(-w * self.n)


@dataclass(frozen=True)
class Space:
    """Named parts, each a `Float`, `Int`, `Choice` or `Simplex`.

    Parameters
    ----------
    parts : mapping of str to part

    Examples
    --------
    >>> space = Space({"C": Float(0.1, 10.0, log=True), "k": Int(1, 3)})
    >>> space.d, space.values(np.array([1.0, 0.0]))
    (2, {'C': 10.0, 'k': 1})
    """

    parts: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.parts:
            raise MedgraftError("There is nothing to search: give the space at least one part.")

    @property
    def d(self) -> int:
        """Number of coordinates."""
        return sum(part.width for part in self.parts.values())

    def values(self, u: Floats) -> dict[str, Any]:
        """Return the values at a place (d,) of the unit cube."""
        out, at = {}, 0
        for name, part in self.parts.items():
            out[name] = part.value(u[at : at + part.width])
            at += part.width
        return out

    def place(self, values: Mapping[str, Any]) -> Floats:
        """Return a place (d,) of values, one for each part."""
        if set(values) != set(self.parts):
            raise MedgraftError(f"Give a value for each of {', '.join(self.parts)}.")
        return np.concatenate([part.place(values[name]) for name, part in self.parts.items()])
