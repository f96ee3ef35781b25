"""The registry of steps that may stand before a method's learner, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from medgraft.base import Registry, check_name

T = TypeVar("T", bound=type)
Does = Literal["balance", "select", "fill", "tune", "keep"]
Around = Literal["learner", "method", "arm"]


@dataclass(frozen=True)
class Step:
    """What is known of a step without fitting it.

    Parameters
    ----------
    name : str
        The name on the command line (``"rose"``).
    cls : type
        The class; it wraps what is given as ``estimator``.
    around : {"learner", "method", "arm"}
        "learner": it stands inside a method as its ``estimator``, where rows are encoded, weighted and
        aligned already. "method": it stands around a method and reads raw tables. "arm": it stands
        around all of these, whatever they read.
    does : {"balance", "select", "fill", "tune", "keep"}
        "balance": classes weigh the same, for classification only; "select": the learner gets fewer
        features; "fill": gaps are filled; "tune": settings are searched; "keep": fewer rows teach.
    refs : tuple of str
        Papers.
    summary : str
        First line of the class's docstring.
    """

    name: str
    cls: type[Any]
    around: Around
    does: Does
    refs: tuple[str, ...]
    summary: str


steps: Registry[Step] = Registry("step", packages=("medgraft.methods.prepare", "medgraft.methods.tuning"))


def step(
    name: str, *, around: Around, does: Does | None = None, refs: tuple[str, ...] = ()
) -> Callable[[T], T]:
    """Register a class as the step `name`, and leave the class as it is.

    Parameters
    ----------
    name, around, does, refs
        As in `Step`; unless told otherwise a step around a learner balances classes, one around a method
        fills gaps.

    Examples
    --------
    >>> from medgraft.methods.prepare import steps
    >>> steps["rose"].around
    'learner'
    """

    def register(cls: T) -> T:
        check_name("step", name, cls, ("fit", "predict"))
        summary = (inspect.getdoc(cls) or "").split("\n", 1)[0]
        task = does or ("balance" if around == "learner" else "fill")
        steps.add(name, Step(name, cls, around, task, refs, summary))
        return cls

    return register
