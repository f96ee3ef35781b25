"""``medgraft explain``: what a graft saw in some samples, as pictures and figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.roles import Data, Group, Image, Skip, Volume

if TYPE_CHECKING:
    from medgraft.cohort import Cohort

FIRST = 3  # samples where none is named
CASES = 5
WORDS = {
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "rollout": "Attention rollout",
    "shap": "Shapley values",
}


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
    method: Annotated[str, typer.Option(help=f"auto or one of {', '.join(WORDS)}.")] = "auto",
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
    group: Group = None,
    skip_unreadable: Skip = False,
) -> None:
    """Show what a graft saw in some samples.

    Images and volumes get a map over the picture, tables a bar for each column that moved the prediction,
    against the patients of --cohort (without it, those of DATA). With --cohort the nearest known cases are
    named, too.
    """
    from medgraft.cohort import check_images, read
    from medgraft.cohort.media import PICTURES
    from medgraft.graft import load

    model = load(graft)
    _refuse(model, method)
    if out.is_file():
        raise MedgraftError(f"'{out}' is a file: give --out a folder.")
    roles: dict[str, Any] = {
        "image": image,
        "volume": volume,
        "group": group,
        "skip_unreadable": skip_unreadable,
    }
    people = read(data, **roles, require_label=False)
    if people.kind in PICTURES:
        people = check_images(people, skip_unreadable)
    rows = _chosen(people, sample, Path(data))
    known = None
    if cohort is not None:
        label = model.manifest["label"]
        known = read(cohort, **roles, label=label, require_label=False)
    facts, pictures = _explained(model, people, rows, known, method, target, faithful, Path(data))
    if known is not None:
        _near(model, people, rows, known, facts, Path(str(cohort)))
    _write(out, facts, pictures)
    for one in facts["samples"]:
        typer.echo(f"{one['sample']}: {one['sentence']}")
    for sentence in facts["notes"]:
        typer.echo(sentence)
    typer.echo(f"The explanation is {out / 'explanation.html'}.")


def _refuse(model: Any, method: str) -> None:
    from medgraft.base import did_you_mean
    from medgraft.cohort.media import PICTURES

    if method not in ("auto", *WORDS):
        hint = did_you_mean(method, WORDS) or f" There are auto, {', '.join(WORDS)}."
        raise MedgraftError(f"There is no method '{method}' of explanation.{hint}")
    if model.outlines:
        raise MedgraftError(
            "This graft outlines: its masks show what it found, and medgraft predict writes them."
        )
    kind = model.manifest["kind"]
    if kind not in ("table", *PICTURES):
        raise MedgraftError(
            f"Explanations are made of tables, images and volumes at present: this graft reads each {kind}."
        )
    if kind == "table" and method not in ("auto", "shap"):
        raise MedgraftError(f"{WORDS[method]} makes maps of images, and this graft reads a table: use shap.")


def _chosen(people: Cohort, wanted: list[str] | None, data: Path) -> list[int]:
    """Return the rows that are named."""
    import numpy as np

    from medgraft.base import did_you_mean

    if not wanted:
        return list(range(min(FIRST, people.n)))
    names = _names(people, data)
    found: list[int] = []
    spare = [
        c for c in people.table.columns if c not in (*people.features, people.label, *people.media.values())
    ]
    for one in wanted:
        same = [i for i, name in enumerate(names) if one in _calls(name)]
        for column in [people.group, *spare]:
            if not same and column is not None:
                same = np.flatnonzero(people.table[column].astype(str) == one).tolist()
        if not same and one.isdigit() and int(one) < people.n:
            same = [int(one)]
        if not same:
            known = [*names, *(people.table[people.group].astype(str) if people.group else ())]
            hint = did_you_mean(one, known) or " Give a file name, a patient of --group, or a row from 0."
            raise MedgraftError(f"There is no sample '{one}' in '{people.name}', of {people.n} rows.{hint}")
        found += [i for i in same if i not in found]
    return found


def _calls(name: str) -> tuple[str, ...]:
    """Return what a file may be called: by its place, its name, or its name without suffixes."""
    return name, Path(name).name, Path(name).stem, Path(name).name.partition(".")[0]


def _names(people: Cohort, data: Path) -> list[str]:
    """Return what samples are called: files by their place below the data, else rows."""
    column = people.image or people.volume
    if column is None:
        who = None if people.group is None else people.table[people.group].astype(str).tolist()
        return [f"row {i}" if who is None else f"row {i} ({who[i]})" for i in range(people.n)]
    root = data.resolve() if data.is_dir() else data.resolve().parent
    files = [Path(str(p)).resolve() for p in people.table[column]]
    return [str(f.relative_to(root)) if f.is_relative_to(root) else f.name for f in files]


def _explained(
    model: Any,
    people: Cohort,
    rows: list[int],
    known: Cohort | None,
    method: str,
    target: str | None,
    faithful: bool,
    data: Path,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the facts for ``explanation.json``, and the pictures by file name."""
    from medgraft.cli.explain_samples import columns_explained, maps_explained
    from medgraft.methods.explain.scores import scores_of

    some = people.select(rows)
    names = [_names(people, data)[i] for i in rows]
    by_columns = model.manifest["kind"] == "table" or method == "shap"
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
                "--faithful tests maps of images, and here columns are explained: leave it out."
            )
        facts, pictures = columns_explained(model, some, names, known or people, target, known is not None)
    else:
        facts, pictures = maps_explained(model, some, names, method, target, faithful)
    for one, row in zip(facts["samples"], rows, strict=True):
        one["row"] = row
    facts = {"graft": {k: model.manifest.get(k) for k in ("arm", "kind", "task", "label")}, **facts}
    return facts, pictures


def _near(
    model: Any, people: Cohort, rows: list[int], known: Cohort, facts: dict[str, Any], data: Path
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
    own = None if own is None else own[rows]
    k = min(CASES, len(set(who)) - (own is not None and bool(set(own) & set(who))))
    try:
        found = nearest(model, people.select(rows), known, k=k, group=who, exclude=own)
    except MedgraftError as error:
        facts["notes"].append(f"No nearest cases: {error}")
        return
    label = None if known.label is None else known.table[known.label]
    cases = told(found, _names(known, data), None if label is None else label.astype(str))
    for one, near in zip(facts["samples"], cases, strict=True):
        one["nearest"] = near
    facts["typical_distance"] = found.typical
    facts["notes"].append(
        f"Nearest cases lie in what the model's last step reads; known patients are {found.typical:.3g} from "
        "their own nearest (median)."
    )


def _write(out: Path, facts: dict[str, Any], pictures: dict[str, bytes]) -> None:
    from medgraft.cli.explain_page import page

    text = page(facts, pictures)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in pictures.items():
            (out / name).write_bytes(content)
        (out / "explanation.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (out / "explanation.html").write_text(text, encoding="utf-8")
    except OSError as error:
        raise MedgraftError(f"The folder '{out}' cannot be written ({error.strerror}).") from None
