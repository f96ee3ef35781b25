"""Warnings of the library, told as lines of the command line."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer


@contextmanager
def collected() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what is warned of inside, to be told by `tell` once all has gone well."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        yield said


def tell(said: Iterable[warnings.WarningMessage], more: Iterable[str]) -> None:
    """Write the warnings that are for users, then more sentences, to standard error."""
    for warning in said:
        if issubclass(warning.category, UserWarning) and not issubclass(warning.category, FutureWarning):
            typer.echo(f"medgraft: {warning.message}", err=True)
    for sentence in more:
        typer.echo(f"medgraft: {sentence}", err=True)
