"""The registry of steps that may stand before a method's learner, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from medgraft.base import Registry, check_name

T = TypeVar("T", bound=type)


@dataclass(frozen=True)
class Step:
    """What is known of a step without fitting it.

    Parameters
    ----------
    name : str
        The name on the command line (``"rose"``).
    cls : type
        The class; it wraps what is given as ``estimator``.
    around : {"learner", "method"}
        "learner": it stands inside a method as its ``estimator``, where rows are encoded, weighted and
        aligned already; for classification only. "method": it stands around a method and reads raw tables.
    refs : tuple of str
        Papers.
    summary : str
        First line of the class's docstring.
    """

    name: str
    cls: type[Any]
    around: Literal["learner", "method"]
    refs: tuple[str, ...]
    summary: str


steps: Registry[Step] = Registry("step", packages=("medgraft.methods.prepare",))


def step(name: str, *, around: Literal["learner", "method"], refs: tuple[str, ...] = ()) -> Callable[[T], T]:
    """Register a class as the step `name`, and leave the class as it is.

    Parameters
    ----------
    name, around, refs
        As in `Step`.

    Examples
    --------
    >>> from medgraft.methods.prepare import steps
    >>> steps["rose"].around
    'learner'
    """

    def register(cls: T) -> T:
        check_name("step", name, cls, ("fit", "predict"))
        summary = (inspect.getdoc(cls) or "").split("\n", 1)[0]
        steps.add(name, Step(name, cls, around, refs, summary))
        return cls

    return register
