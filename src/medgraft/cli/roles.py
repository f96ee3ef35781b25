"""The options that say which column plays which role, shared by the verbs that read data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Data = Annotated[
    str,
    typer.Argument(
        help="A table, a folder of class folders, a manifest, or a file or folder of another format."
    ),
]
Label = Annotated[
    str | None,
    typer.Option(help="Column to predict, a threshold such as 'num > 0', or yes/no columns: a,b,c."),
]
Positive = Annotated[str | None, typer.Option(help="Value of the label that is the event.")]
Group = Annotated[str | None, typer.Option(help="Column of patients; 'none' for no such column.")]
Domain = Annotated[str | None, typer.Option(help="Column of sites, scanners or batches, or 'auto'.")]
Time = Annotated[str | None, typer.Option(help="Column with the time of a row; never a feature.")]
Protected = Annotated[
    list[str] | None, typer.Option(help="Protected attribute, never a feature, or 'auto'. Repeatable.")
]
Image = Annotated[str | None, typer.Option(help="Column with paths of images, relative to the manifest.")]
Volume = Annotated[str | None, typer.Option(help="Column with paths of volumes.")]
Volumes = Annotated[
    str | None,
    typer.Option(
        help="How networks read volumes: window=40/80 (CT), spacing=1 (mm), size=64 (voxels); with 2-D "
        "networks also slices=16, axis=axial, pool=mean."
    ),
]
Reading = Annotated[
    str,
    typer.Option(
        help="How signals are brought to one shape (rate=160,seconds=4,channels=C3|Cz|C4,low=8,high=30; "
        "recorded=250 where files do not say their rate; picture=scalogram for networks of images), or "
        "sequences (length=101,alphabet=protein)."
    ),
]
View = Annotated[
    list[str] | None,
    typer.Option(
        help="What methods for tables read of signals and sequences: band-power, statistics, "
        "wavelet-packets, kmers:k=4. Repeatable."
    ),
]
Signal = Annotated[str | None, typer.Option(help="Column with paths of signals.")]
Sequence = Annotated[str | None, typer.Option(help="Column that holds sequences.")]
Omics = Annotated[str | None, typer.Option(help="Matrix file whose samples are the rows, or a column.")]
Mask = Annotated[
    str | None, typer.Option(help="Column with paths of masks; the label, if there is no other.")
]
Features = Annotated[
    str | None, typer.Option(help="Columns to learn from, also beside images: age,sex. Default: all others.")
]
Columns = Annotated[str | None, typer.Option(help="Names of the columns of a table without header: a,b,c.")]
Kind = Annotated[str | None, typer.Option(help="What to read where a format has several: image.")]
Task = Annotated[
    str, typer.Option(help="auto, binary, multiclass, regression, ordinal, multilabel or segmentation.")
]
Levels = Annotated[
    str | None,
    typer.Option(help="Levels of an ordinal label, least first, or labels of a column of lists: a,b,c."),
]
Skip = Annotated[bool, typer.Option("--skip-unreadable", help="Leave out images that cannot be read.")]

_ROLES = (
    "label",
    "positive",
    "group",
    "domain",
    "time",
    "protected",
    "image",
    "volume",
    "signal",
    "sequence",
)
_MORE = ("omics", "mask", "features", "columns", "kind", "task", "levels")


def roles_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of :func:`medgraft.read` among a verb's arguments.

    Examples
    --------
    >>> roles_of({"data": "x.csv", "label": "ill", "columns": "a, b", "protected": None})
    {'label': 'ill', 'protected': (), 'columns': ['a', 'b']}
    """
    roles = {name: given[name] for name in (*_ROLES, *_MORE) if name in given}
    if "protected" in roles:
        roles["protected"] = tuple(roles["protected"] or ())
    for role in ("features", "columns"):
        if roles.get(role):
            roles[role] = [name.strip() for name in roles[role].split(",")]
    return roles
