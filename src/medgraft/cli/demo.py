"""``medgraft demo``: the main job on real patients that ship with scikit-learn."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from medgraft.cli.app import verb


@verb
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("medgraft-demo"),
) -> None:
    """Run a trial on 442 real patients, in a minute.

    Diabetes progression after a year (Efron et al. 2004). One sex is the source with all its labels,
    the other the target with 30 labelled patients. The data do not say which code is which sex.
    """
    import numpy as np
    from sklearn.datasets import load_diabetes

    from medgraft.cohort import read
    from medgraft.report import build
    from medgraft.trial import Trial

    table = load_diabetes(as_frame=True, scaled=False).frame
    table["sex"] = np.where(table["sex"] == 1, "sex 1", "sex 2")
    table = table.rename(columns={"target": "progression"})
    cohort = replace(read(table, label="progression", domain="sex"), name="diabetes")
    trial = Trial(cohort, target="sex 2", labels_per_class=30, repeats=5, seed=0)
    show = sys.stderr.isatty()
    trial.progress = show
    typer.echo("442 real patients with diabetes, from scikit-learn; no download.\n")
    typer.echo(f"{trial.plan()}\n")
    result = trial.run(out, progress=show, command=f"medgraft demo --out {out.name}")
    page = build(out)
    typer.echo(f"{result}\n\nOpen {page.resolve().as_uri()} in a browser. The model is in {out / 'graft'}.")
