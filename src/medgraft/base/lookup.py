"""Let a package be looked up like a mapping, so that ``mg.methods["ulsif"]`` reads as designed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


class LookupModule(ModuleType):
    """A package whose registry answers ``package[name]``, ``name in package``, iteration and ``list``."""

    _registry: Any
    _value: Callable[[Any], Any]

    def __getitem__(self, name: str) -> Any:
        return type(self)._value(self._registry[name])

    def __contains__(self, name: object) -> bool:
        return name in self._registry

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return len(self._registry)

    def list(self, pattern: str = "*") -> list[str]:
        """Return the registered names that match a glob, sorted."""
        return list(self._registry.list(pattern))


def lookup(package: str, registry: Any, value: Callable[[Any], Any]) -> None:
    """Turn an imported package into a mapping over `registry`.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    registry : Registry
    value : callable
        From an entry to what a user gets.
    """
    # A subpackage is always an attribute of its parent, so a mapping of the same name must be the module.
    fields = {"_registry": registry, "_value": staticmethod(value)}
    sys.modules[package].__class__ = type("LookupModule", (LookupModule,), fields)
