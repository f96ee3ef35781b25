"""``medgraft methods``: which methods there are, and which steps and learners may stand beside them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from medgraft.base import MedgraftError, Registry
from medgraft.cli.app import verb


@verb
def methods(
    pattern: Annotated[str, typer.Argument(help="Names to list; globs such as '*shift*' are allowed.")] = "*",
) -> None:
    """List the methods that --arm takes, by family, with what each does and needs."""
    from medgraft.methods.learners import learners
    from medgraft.methods.prepare import steps
    from medgraft.methods.registry import FAMILIES, entries

    known = entries.list(pattern)
    after: dict[str, Registry[Any]] = {"steps": steps, "learners": learners}
    beside = {
        kind: [(n, registry[n].summary) for n in registry.list(pattern)] for kind, registry in after.items()
    }
    names = [*known, *(name for found in beside.values() for name, _ in found)]
    if not names:
        raise MedgraftError(f"Nothing is called like '{pattern}': leave it out to see all.")
    width = max(map(len, names))
    for family in FAMILIES:
        of = [entries[name] for name in known if entries[name].family == family]
        if of:
            typer.echo(f"\n{family}")
        for m in of:
            needs = f" Needs: {', '.join(m.needs)}." if m.needs else ""
            typer.echo(f"  {m.name:<{width}}  {m.summary}{needs}")
    for kind, found in beside.items():
        if found:
            typer.echo(f"\n{kind}, after a plus: --arm coral+{found[0][0]}")
        for name, summary in found:
            typer.echo(f"  {name:<{width}}  {summary}")
