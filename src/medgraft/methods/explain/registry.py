"""Ways of explaining a model by name: adding one is adding a file to this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from medgraft.base import Registry

F = TypeVar("F", bound=Callable[..., Any])
Explains = Literal["places", "columns"]


@dataclass(frozen=True)
class Explanation:
    """A way of explaining, as the command line and `attribute` know it.

    Attributes
    ----------
    name : str
        As in ``--method NAME``.
    title : str
        Its name in sentences and captions.
    explains : {"places", "columns"}
        Whether it draws a map over an image or a volume, or tells the columns of a table.
    run : callable
        Of places an `Engine` (see `medgraft.methods.explain.frame`); of columns a function called and
        answering as `shap_values`.
    unit : str
        What its figures are, beside the colour bar of a map.
    """

    name: str
    title: str
    explains: Explains
    run: Callable[..., Any]
    unit: str


explanations: Registry[Explanation] = Registry("explanation", packages=("medgraft.methods.explain",))


def explanation(
    name: str,
    *,
    title: str,
    explains: Explains = "places",
    unit: str = "what spoke for it, in scores",
) -> Callable[[F], F]:
    """Register a function as a way of explaining, and leave it unchanged.

    Parameters
    ----------
    name, title, explains, unit
        As in `Explanation`.
    """

    def register(run: F) -> F:
        explanations.add(name, Explanation(name, title, explains, run, unit))
        return run

    return register


def map_names() -> list[str]:
    """Return the names of those that draw a map."""
    return [name for name in explanations if explanations[name].explains == "places"]
