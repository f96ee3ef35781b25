"""``medgraft explain``: what a graft saw in some samples, as pictures and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.explain_names import chosen, names_of
from medgraft.cli.explain_page import earlier, write
from medgraft.cli.roles import Data, Group, Image, Omics, Sequence, Signal, Skip, Volume

if TYPE_CHECKING:
    from medgraft.cohort import Cohort

CASES = 5
KINDS = {"omics": "rows of omics"}  # where an s makes no plural


@verb
def explain(
    graft: Annotated[str, typer.Argument(help="Folder of a graft, or of the run that made it.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write: pictures, explanation.json, explanation.html.")],
    sample: Annotated[
        list[str] | None,
        typer.Option(
            help="A file name, a patient of --group, or a row from 0. Repeatable. Default: the first 3."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="auto, shap (columns), or how a map is made, such as grad-cam; an unknown name lists all."
        ),
    ] = "auto",
    target: Annotated[
        str | None, typer.Option(help="The class to explain; default the predicted one.")
    ] = None,
    cohort: Annotated[
        str | None,
        typer.Option(
            help="Known patients, mostly those of training: nearest cases, and what a table is compared with."
        ),
    ] = None,
    faithful: Annotated[
        bool, typer.Option("--faithful", help="Test the maps: deletion, insertion, a network that forgot.")
    ] = False,
    image: Image = None,
    volume: Volume = None,
    signal: Signal = None,
    sequence: Sequence = None,
    omics: Omics = None,
    group: Group = None,
    skip_unreadable: Skip = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the explanation that --out holds.")
    ] = False,
) -> None:
    """Show what a graft saw in some samples.

    What a network reads gets a map: over an image or a volume, along a signal or a sequence, by the features
    of omics. Tables, and what views make of signals, sequences and omics, get a bar for each column that
    moved the prediction, against the patients of --cohort (without it, those of DATA). With --cohort the
    nearest known cases are named, too.
    """
    from medgraft.cohort import check_images, read
    from medgraft.cohort.media import PICTURES
    from medgraft.graft import load

    model = load(graft)
    _refuse(model, method)
    _one_file(model, data)
    earlier(out, overwrite)
    roles: dict[str, Any] = {
        "image": image,
        "volume": volume,
        "signal": signal,
        "sequence": sequence,
        "omics": omics,
        "group": group,
        "skip_unreadable": skip_unreadable,
    }
    people = read(data, **roles, require_label=False)
    if people.kind in PICTURES:
        people = check_images(people, skip_unreadable)
    reads = {c["name"] for c in model.manifest["schema"].get("columns") or ()} | {model.manifest["label"]}
    rows = chosen(people, sample, Path(data), reads)
    known = None
    if cohort is not None:
        label = model.manifest["label"]
        known = read(cohort, **roles, label=label, require_label=False)
    facts, pictures = _explained(model, people, rows, known, method, target, faithful, Path(data))
    if known is not None:
        _near(model, people, rows, known, facts, Path(str(cohort)))
    write(out, facts, pictures)
    for one in facts["samples"]:
        typer.echo(f"{one['sample']}: {one['sentence']}")
    for sentence in facts["notes"]:
        typer.echo(sentence)
    typer.echo(f"The explanation is {out / 'explanation.html'}.")


def _refuse(model: Any, method: str) -> None:
    from medgraft.base import did_you_mean
    from medgraft.methods.explain.columns import ColumnModel
    from medgraft.methods.explain.registry import explanations, map_names

    if method not in ("auto", *explanations):
        hint = did_you_mean(method, explanations) or f" There are auto, {', '.join(explanations)}."
        raise MedgraftError(f"There is no method '{method}' of explanation.{hint}")
    if model.outlines:
        raise MedgraftError(
            "This graft outlines: its masks show what it found, and medgraft predict writes them."
        )
    views, kind = ColumnModel.of(model).views, model.manifest["kind"]
    if method in map_names() and (kind == "table" or views is not None):
        what = "a table" if views is None else f"the columns of {' and '.join(views.names) or 'omics'}"
        title = explanations[method].title
        raise MedgraftError(
            f"{title} makes maps of what networks read, and this graft reads {what}: use shap."
        )


def _one_file(model: Any, data: str) -> None:
    """Refuse an image in place of data: a folder is read, and a file of it named."""
    from medgraft.cohort.images import SUFFIXES
    from medgraft.cohort.media import PICTURES

    file = Path(data)
    if model.manifest["kind"] in PICTURES and file.is_file() and file.suffix.lower() in SUFFIXES:
        raise MedgraftError(
            f"'{file.name}' is one image: give its folder, '{file.parent}', and name the image with "
            f"--sample {file.name}."
        )


def _explained(
    model: Any,
    people: Cohort,
    rows: dict[int, str],
    known: Cohort | None,
    method: str,
    target: str | None,
    faithful: bool,
    data: Path,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the facts for ``explanation.json``, and the pictures by file name."""
    from medgraft.cli.explain_samples import columns_explained, maps_explained
    from medgraft.methods.explain.columns import ColumnModel
    from medgraft.methods.explain.registry import explanations, map_names
    from medgraft.methods.explain.scores import scores_of

    some = people.select(list(rows))
    called, kind = names_of(people, data), model.manifest["kind"]
    names = [called[i] + (f" ({who})" if who and not people.group else "") for i, who in rows.items()]
    tabular = kind == "table" or ColumnModel.of(model).views is not None
    by_columns = tabular or method not in ("auto", *map_names())
    if by_columns and not tabular and model.input(some).shape[1] < 2:
        raise MedgraftError(
            f"This graft reads {KINDS.get(kind, f'{kind}s')} and no columns beside them, so that "
            f"{explanations[method].title} have nothing to share out: take --method auto, which draws a map."
        )
    if not by_columns:
        try:
            scores_of(model)
        except MedgraftError:
            if method != "auto" or model.input(some).shape[1] < 2:
                raise
            by_columns = True  # the image counts as one of the columns
    if by_columns:
        if faithful:
            raise MedgraftError(
                "--faithful tests maps of what networks read, and here columns are explained: leave it out."
            )
        method = "shap" if method == "auto" else method
        facts, pictures = columns_explained(
            model, some, names, known or people, method, target, known is not None
        )
    else:
        facts, pictures = maps_explained(model, some, names, method, target, faithful)
    for one, row in zip(facts["samples"], rows, strict=True):
        one["row"] = row
    facts = {"graft": {k: model.manifest.get(k) for k in ("arm", "kind", "task", "label")}, **facts}
    return facts, pictures


def _near(
    model: Any, people: Cohort, rows: dict[int, str], known: Cohort, facts: dict[str, Any], data: Path
) -> None:
    """Add the nearest known cases of each sample to the facts."""
    from medgraft.methods.explain.nearest import nearest, told

    who: Any
    own: Any = None
    if people.group is not None and known.group is not None:
        who, own = (c.table[str(c.group)].astype(str).to_numpy() for c in (known, people))
    elif known.group is not None:
        who = known.table[known.group].astype(str).to_numpy()
    else:  # a copy of the sample itself is no other case
        who, own = known.content(), people.content()
    own = None if own is None else own[list(rows)]
    k = min(CASES, len(set(who)) - (own is not None and bool(set(own) & set(who))))
    try:
        found = nearest(model, people.select(list(rows)), known, k=k, group=who, exclude=own)
    except MedgraftError as error:
        facts["notes"].append(f"No nearest cases: {error}")
        return
    label = None if known.label is None else known.table[known.label]
    cases = told(found, names_of(known, data), None if label is None else label.astype(str))
    for one, near in zip(facts["samples"], cases, strict=True):
        one["nearest"] = near
    facts["typical_distance"] = found.typical
    facts["notes"].append(
        f"Nearest cases lie in what the model's last step reads; known patients are {found.typical:.3g} from "
        "their own nearest (median)."
    )
