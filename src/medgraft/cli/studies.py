"""``medgraft studies``: the forty studies of the review, listed, shown and run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cli.app import app, verb

studies = typer.Typer(
    name="studies",
    help="The forty studies of the review, as recipes that run.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(studies)


def _list(
    pattern: Annotated[str, typer.Argument(help="Keys to list; globs such as '*2023*' are allowed.")] = "*",
    modality: Annotated[str | None, typer.Option(help="Those whose modality has this word.")] = None,
    transfer: Annotated[str | None, typer.Option(help="Those of this kind of transfer.")] = None,
    data: Annotated[str | None, typer.Option(help="Those that take this public set.")] = None,
    caveats: Annotated[bool, typer.Option("--caveats", help="Say what is wrong with each.")] = False,
) -> None:
    """List the studies: number, key, modality, kind of transfer, method, data and how they are got."""
    from medgraft.cohort.public import public_sets
    from medgraft.studies.kit.card import TRANSFER
    from medgraft.studies.kit.show import listing

    for given, names in ((transfer, TRANSFER), (data, tuple(public_sets))):
        if given is not None and given not in names:
            hint = did_you_mean(given, names) or f" There are {', '.join(names)}."
            raise MedgraftError(f"No study is of '{given}'.{hint}")
    pattern = _numbered().get(pattern.strip("[]"), pattern)
    lines = listing(pattern, modality=modality, transfer=transfer, data=data, caveats=caveats)
    if not lines:
        raise MedgraftError(f"No study is like that. {_there_are(modality, pattern)}")
    typer.echo("\n".join(lines))


def _there_are(modality: str | None, pattern: str) -> str:
    """Say which modalities there are, or which word near the key is one."""
    from medgraft.studies import studies as known

    if modality is not None and known.list(pattern):
        return f"Modalities: {'; '.join(sorted({study.modality for study in known.values()}))}."
    return did_you_mean(pattern, known).strip() or "medgraft studies list shows all."


def _numbered() -> dict[str, str]:
    """Return the key of each number in the review."""
    from medgraft.studies import studies as known

    return {str(study.ref): key for key, study in known.items()}


def _study(key: str) -> Any:
    """Return the study of a key, or of its number in the review."""
    from medgraft.studies import studies as known

    refs = _numbered()
    if (ref := key.strip("[]")).isdigit() and ref not in refs:
        raise MedgraftError(f"There is no study [{ref}]: the numbers run from {min(refs)} to {max(refs)}.")
    return known[refs.get(ref, key)]


def _show(key: Annotated[str, typer.Argument(help="Key or number of the study, as listed.")]) -> None:
    """Show the card of a study: citation, task, data and layout, protocol, published figures, caveats."""
    from medgraft.studies.kit.show import card

    typer.echo(card(_study(key)))


def _run(
    key: Annotated[str | None, typer.Argument(help="Key or number of the study, as listed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All studies, each in a folder of its key.")] = False,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Folder of a data set in its published layout, or NAME=FOLDER. Repeatable."),
    ] = None,
    generated: Annotated[
        bool, typer.Option("--generated", help="Small generated data in place of the study's.")
    ] = False,
    protocol: Annotated[
        str, typer.Option(help="honest, as_published (with its leaks, known or supposed), or both.")
    ] = "honest",
    backbone: Annotated[
        list[str] | None,
        typer.Option(help="Network in place of the published ones, as --source of a trial. Repeatable."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Pixels of a side that images are brought to.")] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="At most so many samples of each class.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of the folds and label draws.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1: all cores.")] = 1,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write each trial's report.")] = True,
) -> None:
    """Run a study: its method, its baselines and controls, on your data, public data or generated ones."""
    from medgraft.studies import studies as known
    from medgraft.studies.kit.account import FILE
    from medgraft.studies.kit.show import closing, outcome

    if (key is None) == (not all_):
        raise MedgraftError("Which study? Give its key, or --all for every one.")
    if out is None:
        raise MedgraftError("Where shall the results go? Say it with --out.")
    if all_ and not generated:
        raise MedgraftError("All studies at once run on generated data only: add --generated.")
    settings: dict[str, Any] = {
        "data": data or (),
        "generated": generated,
        "backbones": backbone or (),
        "size": size,
        "limit": limit,
        "repeats": repeats,
        "seed": seed,
        "jobs": jobs,
        "progress": not all_,
    }
    if not all_:
        study = _study(str(key))
        told = study.run(out, protocol=protocol, **settings)
        pages = _reports(out) if report else []
        typer.echo(outcome(study, told))
        typer.echo(f"The account is {out / FILE}.")
        for page in pages:
            typer.echo(f"The report is {page}.")
        return
    accounts, failed = [], 0
    for name in known:
        begun = time.process_time()
        which = protocol if known[name].leaks else "honest"
        try:
            accounts.append(known[name].run(out / name, protocol=which, **settings))
        except MedgraftError as error:
            typer.echo(f"{name:<20} failed: {error}", err=True)
            failed += 1
            continue
        if report:
            _reports(out / name)
        seconds = time.process_time() - begun
        typer.echo(f"{name:<20} {accounts[-1]['verdict']:<13} {seconds:6.1f} CPU s", err=True)
    typer.echo(closing(accounts))
    if failed:
        raise MedgraftError(f"{failed} of {len(known)} studies failed: see above.")


def _reports(out: Path) -> list[Path]:
    from medgraft.report import build

    found = sorted(out.rglob("result.json"))
    return [build(result.parent) for result in found if result.parent.name != "graft"]


verb(_list, "list", studies)
verb(_show, "show", studies)
verb(_run, "run", studies)
