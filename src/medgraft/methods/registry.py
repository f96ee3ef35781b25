"""The registry of methods: the command line, the docs table and the contract tests all read it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from medgraft.base import Registry, check_name

T = TypeVar("T", bound=type)

FAMILIES = (
    "control",
    "instance",
    "feature",
    "model",
    "finetune",
    "adaptation",
    "segment",
    "federated",
    "ensemble",
    "guard",
)
NEEDS = (
    "source",
    "target-labels",
    "target-rows",
    "images",
    "volumes",
    "masks",
    "network",
    "pretrained",
    "time",
)
ROLES = ("control", "transfer")
TASKS = ("binary", "multiclass", "regression")
LABELS = ("multilabel",)  # several labels at once, of methods that read images; see `Method.does`
DENSE = ("segmentation",)  # tasks whose answer is a mask; no method has them unless it says so


@dataclass(frozen=True)
class Method:
    """What is known of a method without fitting it.

    Parameters
    ----------
    name : str
        The name on the command line (``"coral"``).
    cls : type
        The estimator class.
    family : str
        One of `FAMILIES`: ``control``, ``instance``, ``feature``, ``model``, ``finetune``, ``adaptation``,
        ``segment``, ``federated``, ``ensemble``, ``guard``.
    tasks : tuple of str
        Which of ``binary``, ``multiclass``, ``regression``, ``segmentation`` it can do.
    needs : tuple of str
        What must be there for the method to do more than a control: ``source`` (rows of other domains),
        ``target-labels``, ``target-rows``, ``images`` (or other samples that a network opens), ``volumes``,
        ``masks``, ``network`` (an architecture), ``pretrained`` (one with weights), ``time`` (a column of
        times).
    cost : str
        Cost of a fit, in the big-O of n rows and p features.
    refs : tuple of str
        Papers, with DOI where there is one.
    role : str
        ``control`` or ``transfer``.
    default : bool
        Whether a trial runs it, and ``guarded`` considers it, when no arm is named.
    summary : str
        First line of the class's docstring.
    """

    name: str
    cls: type[Any]
    family: str
    tasks: tuple[str, ...]
    needs: tuple[str, ...]
    cost: str
    refs: tuple[str, ...]
    role: str
    default: bool
    summary: str

    @property
    def reads_tables(self) -> bool:
        """Whether the method reads arrays and tables; the others read images or need a network."""
        return not {"images", "volumes", "masks", "network", "pretrained"} & set(self.needs)

    @property
    def reads_media(self) -> bool:
        """Whether the method opens images or volumes itself; the others get a network's features of them."""
        return bool({"images", "volumes"} & set(self.needs))

    def does(self, task: str) -> bool:
        """Whether it does a trial's task: levels in order are classes to it, and labels come one by one.

        A method that reads images does several labels at once or not at all, and one that weighs others, too.
        """
        if task == "ordinal":
            return "multiclass" in self.tasks
        alone = self.reads_tables and self.family not in ("guard", "ensemble")
        return task in self.tasks or (task == "multilabel" and alone and "binary" in self.tasks)


entries: Registry[Method] = Registry("method", packages=("medgraft.methods",))


def method(
    name: str,
    *,
    family: str,
    tasks: tuple[str, ...] = TASKS,
    needs: tuple[str, ...] = (),
    cost: str,
    refs: tuple[str, ...] = (),
    role: str = "transfer",
    default: bool = False,
) -> Callable[[T], T]:
    """Register a class as the method `name`, and tell it its tasks; it is changed in nothing else.

    `TransferEstimator.fit` refuses what is not in ``cls.supported_tasks``, which is set here.

    Parameters
    ----------
    name, family, tasks, needs, cost, refs, role, default
        As in `Method`; the task ``"classification"`` stands for binary and multiclass.

    Raises
    ------
    ValueError
        A family, task, need or role that does not exist, a name that is taken or that the command line could
        not take, a class without docstring, ``fit`` or ``predict``: the author's mistake.

    Examples
    --------
    >>> from medgraft.methods import entries
    >>> entries["coral"].family
    'feature'
    """
    full = tuple(t for task in tasks for t in (TASKS[:2] if task == "classification" else (task,)))
    for what, given, known in (
        ("family", (family,), FAMILIES),
        ("task", full, (*TASKS, *DENSE, *LABELS)),
        ("need", needs, NEEDS),
        ("role", (role,), ROLES),
    ):
        for value in given:
            if value not in known:
                raise ValueError(f"method '{name}': unknown {what} '{value}', use one of {', '.join(known)}")

    def register(cls: T) -> T:
        check_name("method", name, cls, ("fit", "predict"))
        summary = (inspect.getdoc(cls) or "").split("\n", 1)[0]
        entry = Method(name, cls, family, full, tuple(needs), cost, tuple(refs), role, default, summary)
        entries.add(name, entry)
        cls.supported_tasks = full  # type: ignore[attr-defined]
        return cls

    return register
