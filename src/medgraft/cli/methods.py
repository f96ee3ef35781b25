"""``medgraft methods``: which methods there are, and which steps may stand beside them."""

from __future__ import annotations

from typing import Annotated

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb


@verb
def methods(
    pattern: Annotated[str, typer.Argument(help="Names to list; globs such as '*shift*' are allowed.")] = "*",
) -> None:
    """List the methods that --arm takes, by family, with what each does and needs."""
    from medgraft.methods.prepare import steps
    from medgraft.methods.registry import FAMILIES, entries

    known, known_steps = entries.list(pattern), steps.list(pattern)
    if not known and not known_steps:
        raise MedgraftError(f"No method and no step is called like '{pattern}': leave it out to see all.")
    width = max(map(len, [*known, *known_steps]))
    for family in FAMILIES:
        of = [entries[name] for name in known if entries[name].family == family]
        if of:
            typer.echo(f"\n{family}")
        for m in of:
            needs = f" Needs: {', '.join(m.needs)}." if m.needs else ""
            typer.echo(f"  {m.name:<{width}}  {m.summary}{needs}")
    if known_steps:
        typer.echo("\nsteps, after a plus: --arm coral+rose")
    for name in known_steps:
        typer.echo(f"  {name:<{width}}  {steps[name].summary}")
