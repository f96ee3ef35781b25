"""``medgraft fetch``: a public data set by name, checked and unpacked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb


@verb
def fetch(
    name: Annotated[str | None, typer.Argument(help="Name of the data set.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to keep it in, under its name.")] = None,
    local: Annotated[Path | None, typer.Option(help="A copy that you have: a folder or an archive.")] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="The set's licence allows what you do with it.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Download again; it must equal the first download.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the data sets.")] = False,
) -> None:
    """Fetch a public data set, or see what there is.

    A download that was cut goes on where it stopped. Sets on Kaggle need your own account's kaggle.json.
    """
    from medgraft.cohort.public import fetch as get
    from medgraft.cohort.public import public_sets

    if listing:
        width = max(len(n) for n in public_sets)
        for entry in public_sets.values():
            kaggle = "; Kaggle account needed" if entry.kaggle else ""
            typer.echo(f"{entry.name:<{width}}  {entry.title} [{entry.licence}{kaggle}]")
        return
    if name is None:
        raise MedgraftError("Which data set? Give a name; medgraft fetch --list shows them.")
    entry = public_sets[name]
    place = get(
        name,
        out,
        local=local,
        accept_licence=accept_licence,
        refresh=refresh,
        progress=sys.stderr.isatty(),
        say=lambda sentence: typer.echo(f"medgraft: {sentence}", err=True),
    )
    if entry.note:
        typer.echo(f"medgraft: {entry.note}", err=True)
    cite = f" Cite doi:{entry.doi}." if entry.doi else ""
    typer.echo(f"{entry.title}: {place}\nLicence: {entry.licence}. See {entry.home}.{cite}")
