"""The steps by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from medgraft.base import Registry
from medgraft.cohort.quality.arrays import Array
from medgraft.cohort.quality.box import Box

F = TypeVar("F", bound=Callable[..., Array])


@dataclass(frozen=True)
class Step:
    """A function from image to image.

    Attributes
    ----------
    name : str
    function : callable
        From an image and settings to an image.
    find : callable or None
        For crops: from the same to the box that the function keeps.
    """

    name: str
    function: Callable[..., Array]
    find: Callable[..., Box] | None = None


by_name: Registry[Step] = Registry("quality step", packages=("medgraft.cohort.quality",))


def step(find: Callable[..., Box] | None = None) -> Callable[[F], F]:
    """Register a function as a step under its own name."""

    def add(function: F) -> F:
        by_name.add(function.__name__, Step(function.__name__, function, find))
        return function

    return add
