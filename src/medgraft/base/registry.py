"""One kind of registry for everything that has a name: methods, sources, formats, studies."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from threading import RLock
from typing import Generic, TypeVar

from medgraft.base.errors import MedgraftError, did_you_mean

T = TypeVar("T")
_FILLING = RLock()  # threads that decode files may all be the first to look a name up


def check_name(kind: str, name: str, cls: type | None = None, does: tuple[str, ...] = ()) -> None:
    """Refuse what the command line cannot take, or the docs not show: the author's mistake.

    Parameters
    ----------
    kind : str
        What is registered, for the message.
    name : str
        Its name on the command line.
    cls : type, optional
        Its class, which needs a docstring: the first line stands in the docs.
    does : tuple of str
        Methods that the class must have.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_name("method", "My method")
    Traceback (most recent call last):
        ...
    ValueError: method 'My method': a name has small letters, digits and '-' only, as in 'my-method'
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"my-{kind}"
        raise ValueError(f"{kind} '{name}': a name has small letters, digits and '-' only, as in '{near}'")
    if cls is not None:
        if not (cls.__doc__ or "").strip():
            raise ValueError(f"{kind} '{name}': write a docstring; its first line stands in the docs")
        lacking = [part for part in does if not hasattr(cls, part)]
        if lacking:
            raise ValueError(f"{kind} '{name}': {cls.__name__} has no {' and no '.join(lacking)}")


def _import_all(package: str) -> None:
    """Import the modules of a package and of those in it, but for packages that say ``REGISTERS = False``."""
    module = importlib.import_module(package)
    for info in pkgutil.iter_modules(module.__path__, prefix=f"{package}."):
        found = importlib.import_module(info.name)
        if info.ispkg and getattr(found, "REGISTERS", True):
            _import_all(info.name)


class Registry(Mapping[str, T], Generic[T]):
    """A mapping by name, with glob look-up, filled by importing the modules of some packages.

    The modules are imported at the first look-up, not before, so that ``import medgraft`` stays cheap.

    Parameters
    ----------
    kind : str
        What the entries are, for error messages (``"method"``).
    packages : tuple of str
        Packages whose modules register entries when imported.

    Raises
    ------
    MedgraftError
        An unknown name is looked up; the message offers the closest name.

    Examples
    --------
    >>> r = Registry("fruit")
    >>> r.add("apple", 1)
    >>> r.add("apricot", 2)
    >>> r.list("ap*")
    ['apple', 'apricot']
    >>> r["aple"]
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: There is no fruit 'aple'. Did you mean 'apple'?
    """

    def __init__(self, kind: str, packages: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self._packages = packages
        self._entries: dict[str, T] = {}
        self._filled, self._filling = not packages, False

    def _fill(self) -> None:
        if self._filled:
            return
        with _FILLING:
            if self._filled or self._filling:  # the modules imported below may look names up themselves
                return
            self._filling = True
            try:
                for package in self._packages:
                    _import_all(package)
                self._filled = True
            finally:
                self._filling = False

    def add(self, name: str, entry: T) -> None:
        """Register `entry` under `name`; a name can be taken only once.

        Raises
        ------
        ValueError
            The name is taken: the author's mistake.
        """
        if name in self._entries:
            raise ValueError(f"{self.kind} '{name}' is registered twice")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        self._fill()
        try:
            return self._entries[name]
        except KeyError:
            hint = did_you_mean(name, self._entries) or f" Known: {', '.join(sorted(self._entries))}."
            raise MedgraftError(f"There is no {self.kind} '{name}'.{hint}") from None

    def __contains__(self, name: object) -> bool:
        self._fill()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._fill()
        return len(self._entries)

    def list(self, pattern: str = "*") -> list[str]:
        """Return the names that match a glob, sorted."""
        return [name for name in self if fnmatchcase(name, pattern)]
