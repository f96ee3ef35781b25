"""The options that say which column plays which role, shared by the verbs that read data."""

from __future__ import annotations

from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Argument(
        help="A table (.csv .tsv .parquet .arff .xlsx), a folder of class folders, or a manifest."
    ),
]
Label = Annotated[str | None, typer.Option(help="Column to predict; class folders need none.")]
Positive = Annotated[str | None, typer.Option(help="Value of the label that is the event.")]
Group = Annotated[str | None, typer.Option(help="Column that says which patient a row belongs to.")]
Domain = Annotated[str | None, typer.Option(help="Column that says which site, scanner or batch.")]
Time = Annotated[str | None, typer.Option(help="Column with the time of a row; never a feature.")]
Protected = Annotated[
    list[str] | None, typer.Option(help="Protected attribute; never a feature. Repeatable.")
]
Image = Annotated[str | None, typer.Option(help="Column with paths of images, relative to the manifest.")]
Task = Annotated[str, typer.Option(help="auto, binary, multiclass or regression.")]
Skip = Annotated[bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read.")]
