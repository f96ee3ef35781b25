"""``medgraft predict``: predictions of a graft on new data, as CSV."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.roles import Data, Image, Skip


@verb
def predict(
    graft: Annotated[str, typer.Argument(help="Folder of a graft, or of the run that made it.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write: .csv, .tsv or .parquet.")],
    image: Image = None,
    skip_unreadable: Skip = False,
) -> None:
    """Predict new data with a graft.

    The data must hold the columns (or images) that the graft was trained on; its label is not needed.
    """
    from medgraft.cohort import check_images, read
    from medgraft.graft import load

    if out.is_dir() or not out.absolute().parent.is_dir():
        raise MedgraftError(f"'{out}' cannot be written: give --out a file in a folder that exists.")
    if out.resolve() == Path(data).resolve():
        raise MedgraftError(
            f"--out is the data file '{out}' itself: choose another name, or it would be lost."
        )
    if out.suffix not in (".csv", ".tsv", ".parquet"):
        raise MedgraftError(f"--out '{out}' should end in .csv, .tsv or .parquet.")
    model = load(graft)
    cohort = read(data, image=image, skip_unreadable=skip_unreadable, require_label=False)
    if cohort.kind == "image":
        cohort = check_images(cohort, skip_unreadable)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        table = model.table(cohort)
    if cohort.image is not None:
        root = Path(data).resolve()
        root = root if root.is_dir() else root.parent
        files = [Path(p).resolve() for p in cohort.table[cohort.image]]
        table.insert(
            1, "file", [str(f.relative_to(root)) if f.is_relative_to(root) else f.name for f in files]
        )
    partial = out.with_name(out.name + ".tmp")
    if out.suffix == ".parquet":
        table.to_parquet(partial, index=False)
    else:
        table.to_csv(partial, index=False, sep="\t" if out.suffix == ".tsv" else ",")
    partial.replace(out)
    for warning in said:
        if issubclass(warning.category, UserWarning) and not issubclass(warning.category, FutureWarning):
            typer.echo(f"medgraft: {warning.message}", err=True)
    for sentence in cohort.warnings:
        typer.echo(f"medgraft: {sentence}", err=True)
    typer.echo(f"Wrote {len(table)} predictions to {out}.")
