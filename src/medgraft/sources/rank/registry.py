"""The scores that rank networks, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medgraft.base import Registry


@dataclass(frozen=True)
class Score:
    """One way to judge a network without training; a higher value is better.

    Attributes
    ----------
    name, label : str
        ``"logme"`` and ``"LogME"``.
    function : callable
        (array (n, d), labels (n,)) -> float; with a keyword `task` where it has several.
    needs : str
        What the array holds: ``"features"``, or ``"probabilities"`` of the classes that the network knows.
    tasks : tuple of str
        ``"classification"`` and, for some, ``"regression"``.
    ref : str
        The paper.
    """

    name: str
    label: str
    function: Callable[..., float]
    needs: str
    tasks: tuple[str, ...]
    ref: str

    def __call__(self, given: Any, y: Any, task: str = "classification") -> float:
        """Return the score of features (or probabilities) `given` for labels `y`."""
        return self.function(given, y, task=task) if len(self.tasks) > 1 else self.function(given, y)


scores: Registry[Score] = Registry("score", ("medgraft.sources.rank",))


def score(
    name: str,
    *,
    label: str,
    ref: str,
    needs: str = "features",
    tasks: tuple[str, ...] = ("classification",),
) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Register a function as a score; see `Score` for the arguments."""

    def add(function: Callable[..., float]) -> Callable[..., float]:
        scores.add(name, Score(name, label, function, needs, tasks, ref))
        return function

    return add
