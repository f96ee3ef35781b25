"""Sections of the page by name: adding one is adding a file to this folder, and its words to the template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from medgraft.base import Registry
from medgraft.report.view import View

Found: TypeAlias = dict[str, Any]
Make: TypeAlias = Callable[[View], Found | None]

sections: Registry[Make] = Registry("section", packages=("medgraft.report.sections",))


def section(name: str) -> Callable[[Make], Make]:
    """Register what makes a section under the name by which the template knows it.

    The function takes a `View` and returns a dict for the template, or None where the section does not apply;
    its ``figures``, if there are any, go into ``report.json``.
    """
    if not name.isidentifier():
        raise ValueError(f"section '{name}': a template knows names of letters, digits and '_' only")

    def add(make: Make) -> Make:
        sections.add(name, make)
        return make

    return add


def found_in(view: View) -> dict[str, Found | None]:
    """Return what a run says, section by section; None for those that do not apply."""
    return {name: sections[name](view) for name in sections}
