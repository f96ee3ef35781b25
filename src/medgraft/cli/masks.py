"""The part of ``medgraft predict`` that writes masks: one file a sample, and a table of their sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from medgraft.base import MedgraftError


def write_masks(model: Any, cohort: Any, out: Path, root: Path) -> None:
    """Write ``masks/`` and ``predictions.csv`` into a folder.

    Parameters
    ----------
    model : Graft
    cohort : Cohort
    out : path
        Made; if there, it must be empty or hold what an earlier call wrote.
    root : path
        Folder below which files are named by their place.

    Raises
    ------
    MedgraftError
        The folder holds something else, or cannot be written to.
    """
    from medgraft.graft.outlines import outline

    if out.is_file() or (out.is_dir() and {p.name for p in out.iterdir()} - {"masks", "predictions.csv"}):
        raise MedgraftError(f"'{out}' holds other files: give --out a new folder for the masks.")
    try:
        (out / "masks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MedgraftError(f"The folder '{out}' cannot be made ({error.strerror}).") from None
    table = outline(model, cohort, out / "masks")
    table["mask"] = [f"masks/{name}" for name in table["mask"]]
    files = [Path(str(p)).resolve() for p in model.input(cohort).iloc[:, 0]]
    named = [f.relative_to(root).as_posix() if f.is_relative_to(root) else f.name for f in files]
    table.insert(1, "file", named)
    table.to_csv(out / "predictions.csv", index=False)
    typer.echo(f"Wrote {len(table)} masks, and predictions.csv with their sizes, to {out}.")
