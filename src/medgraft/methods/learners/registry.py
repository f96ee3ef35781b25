"""The registry of learners that may stand inside a method, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from medgraft.base import Registry, check_name
from medgraft.methods.registry import TASKS

T = TypeVar("T", bound=type)

ORDERED = "ordinal"  # the task of learners that know an order; any that does several classes does it, too


@dataclass(frozen=True)
class Learner:
    """What is known of a learner without fitting it.

    Parameters
    ----------
    name : str
        The name on the command line (``"svm"``).
    cls : type
        The class, with scikit-learn's contract.
    tasks : tuple of str
        Of ``binary``, ``multiclass``, ``regression`` and ``ordinal``.
    refs : tuple of str
        Papers.
    summary : str
        First line of the class's docstring.
    """

    name: str
    cls: type[Any]
    tasks: tuple[str, ...]
    refs: tuple[str, ...]
    summary: str

    def does(self, task: str) -> bool:
        """Whether it does a trial's task: levels in order are classes to it, and labels come one by one."""
        also = {"ordinal": "multiclass", "multilabel": "binary"}.get(task)
        return task in self.tasks or also in self.tasks


learners: Registry[Learner] = Registry("learner", packages=("medgraft.methods.learners",))


def learner(name: str, *, tasks: tuple[str, ...] = TASKS, refs: tuple[str, ...] = ()) -> Callable[[T], T]:
    """Register a class as the learner `name`, and leave the class as it is.

    Parameters
    ----------
    name, tasks, refs
        As in `Learner`; the task ``"classification"`` stands for binary and multiclass.

    Raises
    ------
    ValueError
        A name of other signs than ``a-z0-9-``, or a task that does not exist: the author's mistake.

    Examples
    --------
    >>> from medgraft.methods.learners import learners
    >>> learners["ridge"].tasks
    ('regression',)
    """
    full = tuple(t for task in tasks for t in (TASKS[:2] if task == "classification" else (task,)))
    if not set(full) <= {*TASKS, ORDERED}:
        raise ValueError(f"learner '{name}': its tasks are some of {', '.join((*TASKS, ORDERED))}")

    def register(cls: T) -> T:
        check_name("learner", name, cls, ("fit", "predict"))
        summary = (inspect.getdoc(cls) or "").split("\n", 1)[0]
        learners.add(name, Learner(name, cls, full, tuple(refs), summary))
        return cls

    return register
