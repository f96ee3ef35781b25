"""``medgraft report``: build the page of a finished run again, or lay two runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medgraft.cli.app import verb


@verb
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a finished trial.")],
    other: Annotated[
        Path | None,
        typer.Argument(
            help="A second one, to compare with the first; comparison.html is written into its folder."
        ),
    ] = None,
) -> None:
    """Build report.html again in a run folder, or compare two runs in comparison.html of the second."""
    from medgraft.report import build, build_versus

    typer.echo(f"Wrote {build(run) if other is None else build_versus(run, other)}.")
