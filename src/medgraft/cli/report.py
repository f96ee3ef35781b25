"""``medgraft report``: build the page of a finished run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medgraft.cli.app import verb


@verb
def report(run: Annotated[Path, typer.Argument(help="Folder of a finished trial.")]) -> None:
    """Build report.html again from a run folder."""
    from medgraft.report import build

    typer.echo(f"Wrote {build(run)}.")
