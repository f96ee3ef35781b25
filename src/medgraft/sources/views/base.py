"""What a view is, and the registry of views by name."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, Registry, check_name
from medgraft.cohort.media import KINDS
from medgraft.sources.settings import made_from, written

V = TypeVar("V", bound="type[View]")


class View(ABC):
    """A fixed way to see a sample as p numbers: settings, and no state.

    Derive from it, make the class a frozen dataclass whose fields all have defaults, and register it by
    `view`. Nothing may be learnt from samples: what learns is a step of `medgraft.methods.prepare`, fitted
    inside the training part of a split.

    Attributes
    ----------
    name, kind : str
        The name on the command line, and what is seen: ``"signal"``, ``"sequence"``.
    refs : tuple of str
        Papers.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    refs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def names(self, sample: Any) -> list[str]:
        """Return the names of the p numbers, each once; samples of one shape have the same."""

    @abstractmethod
    def __call__(self, sample: Any) -> NDArray[np.float32]:
        """Return the numbers (p,); what is not defined for a sample is a gap (NaN)."""

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return (inspect.getdoc(cls) or "").split("\n", 1)[0]

    def __str__(self) -> str:
        settings = written(self)
        return f"{self.name}:{settings}" if settings else self.name


views: Registry[type[View]] = Registry("view", ("medgraft.sources.views",))


def view(name: str, *, kind: str, refs: tuple[str, ...] = ()) -> Callable[[V], V]:
    """Register a class as the view `name`, and tell it its name, kind and papers.

    Raises
    ------
    ValueError
        There is no such kind, the name is taken or cannot be, or the class has no docstring: the author's
        mistake.

    Examples
    --------
    >>> from medgraft.sources.views import views
    >>> views["band-power"].kind
    'signal'
    """
    if kind not in KINDS:
        raise ValueError(f"view '{name}': unknown kind '{kind}', use one of {', '.join(KINDS)}")

    def register(cls: V) -> V:
        check_name("view", name, cls, ("names", "__call__"))
        cls.name, cls.kind, cls.refs = name, kind, refs
        views.add(name, cls)
        return cls

    return register


def read_view(spec: str, kind: str = "") -> View:
    """Make a view from ``"name"`` or ``"name:setting=value,setting=value"``.

    Parameters
    ----------
    spec : str
        A list among the values is written with bars: ``bands=alpha@8-13|beta@13-30``.
    kind : str, optional
        What it must be a view of.

    Raises
    ------
    MedgraftError
        There is no such view or setting, a value is of the wrong kind or out of range, or it is a view of
        something else.

    Examples
    --------
    >>> str(read_view("stft:seconds=0.5,times=2"))
    'stft:seconds=0.5,high=0,bands=8,times=2'
    >>> read_view("bandpower")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: There is no view 'bandpower'. Did you mean 'band-power'?
    """
    name, _, settings = spec.partition(":")
    cls = views[name.strip()]
    if kind and cls.kind != kind:
        fitting = ", ".join(n for n in views if views[n].kind == kind)
        if not fitting:
            raise MedgraftError(f"There is no view of {kind}: leave it out, and the values are read.")
        raise MedgraftError(f"The view '{cls.name}' is of a {cls.kind}, not of a {kind}: use {fitting}.")
    return made_from(cls, settings, f"The view '{cls.name}'")
