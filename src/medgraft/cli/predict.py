"""``medgraft predict``: predictions of a graft on new data, as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.masks import write_masks
from medgraft.cli.roles import Data, Group, Image, Omics, Sequence, Signal, Skip, Volume
from medgraft.cli.warned import collected, tell


@verb
def predict(
    graft: Annotated[str, typer.Argument(help="Folder of a graft, or of the run that made it.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="File to write: .csv, .tsv or .parquet; for masks, a folder.")],
    image: Image = None,
    volume: Volume = None,
    signal: Signal = None,
    sequence: Sequence = None,
    omics: Omics = None,
    group: Group = None,
    skip_unreadable: Skip = False,
) -> None:
    """Predict new data with a graft.

    The data must hold the columns (or images) that the graft was trained on; its label is not needed. A graft
    of a trial with --aggregate gives one prediction for each patient of --group. One that was calibrated
    tells calibrated probabilities, and adds sets or intervals and the decision.
    """
    import pandas as pd

    from medgraft.cohort import check_images, read
    from medgraft.cohort.media import PICTURES
    from medgraft.graft import load

    model = None if out.suffix else load(graft)
    folder = model is not None and model.outlines
    if (out.is_dir() and not folder) or not out.absolute().parent.is_dir():
        raise MedgraftError(f"'{out}' cannot be written: give --out a file in a folder that exists.")
    if out.resolve() == Path(data).resolve():
        raise MedgraftError(
            f"--out is the data file '{out}' itself: choose another name, or it would be lost."
        )
    if not folder and out.suffix not in (".csv", ".tsv", ".parquet"):
        raise MedgraftError(f"--out '{out}' should end in .csv, .tsv or .parquet.")
    model = model or load(graft)
    media = {"image": image, "volume": volume, "signal": signal, "sequence": sequence, "omics": omics}
    roles: dict[str, Any] = {**media, "group": group}
    cohort = read(data, **roles, skip_unreadable=skip_unreadable, require_label=False)
    if cohort.kind in PICTURES:
        cohort = check_images(cohort, skip_unreadable)
    if folder:
        root = Path(data).resolve()
        write_masks(model, cohort, out, root if root.is_dir() else root.parent)
        return
    with collected() as said:
        table = model.table(cohort)
    joined = model.aggregates(cohort)
    if group not in (None, "none") and not joined:
        raise MedgraftError("This graft was tested on single samples, and predicts these: leave out --group.")
    column = cohort.image or cohort.volume
    if column is not None and not joined:
        root = Path(data).resolve()
        root = root if root.is_dir() else root.parent
        files = [None if pd.isna(p) else Path(p).resolve() for p in cohort.table[column]]
        table.insert(1, "file", [None if f is None else _shown(f, root) for f in files])
    partial = out.with_name(out.name + ".tmp")
    if out.suffix == ".parquet":
        table.to_parquet(partial, index=False)
    else:
        table.to_csv(partial, index=False, sep="\t" if out.suffix == ".tsv" else ",")
    partial.replace(out)
    tell(said, cohort.warnings)
    if model.manifest.get("aggregate") and not joined:
        typer.echo(
            "medgraft: The graft was tested on patients, whose samples were joined: say with --group which "
            "column names the patients, or read these predictions as those of samples.",
            err=True,
        )
    who = f" of patients (from {cohort.n} samples)" if joined else ""
    typer.echo(f"Wrote {len(table)} predictions{who} to {out}.")
    use = model.use_for(cohort)
    if use is not None:
        typer.echo(use.sentence())


def _shown(file: Path, root: Path) -> str:
    return str(file.relative_to(root)) if file.is_relative_to(root) else file.name
