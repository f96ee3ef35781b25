"""``medgraft audit``: leaks, duplicates, confounds and damaged data, before anything is trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medgraft.cli.app import verb
from medgraft.cli.roles import (
    Columns,
    Data,
    Domain,
    Group,
    Image,
    Kind,
    Label,
    Levels,
    Mask,
    Omics,
    Positive,
    Protected,
    Sequence,
    Signal,
    Skip,
    Task,
    Time,
    Volume,
    roles_of,
)

if TYPE_CHECKING:
    from medgraft.cohort import Cohort


@verb
def audit(
    data: Data,
    out: Annotated[
        Path | None, typer.Option(help="Folder for audit.json and audit.html, with the rows.")
    ] = None,
    label: Label = None,
    positive: Positive = None,
    group: Group = None,
    domain: Domain = None,
    time: Time = None,
    protected: Protected = None,
    image: Image = None,
    volume: Volume = None,
    signal: Signal = None,
    sequence: Sequence = None,
    omics: Omics = None,
    mask: Mask = None,
    columns: Columns = None,
    kind: Kind = None,
    task: Task = "auto",
    levels: Levels = None,
    test: Annotated[str | None, typer.Option(help="External test data.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="A cohort to learn from; networks are ignored. Repeatable.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds that classes and sites must suffice for.")] = 5,
    check: Annotated[
        list[str] | None, typer.Option(help="Run this check only; globs are allowed. Repeatable.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where something severe is found.")
    ] = False,
    show_files: Annotated[
        bool, typer.Option("--show-files", help="Write the names of files, which may tell who a patient is.")
    ] = False,
    skip_unreadable: Skip = False,
) -> None:
    """Find leaks, duplicates and confounds before you train.

    Findings are printed, severe ones first, and written with their rows to audit.json and audit.html.
    Patients are written as pseudonyms.
    """
    given = locals()
    from medgraft.cohort import check_images, read
    from medgraft.cohort.audit import audit as look
    from medgraft.report.audit_page import build_audit

    roles = roles_of(given) | {"skip_unreadable": skip_unreadable}
    roles["require_label"] = label is not None  # data without a label can be audited, too

    def cohort_of(path: str, **changed: Any) -> Cohort:
        cohort = read(path, **(roles | changed))
        return check_images(cohort, skip_unreadable) if skip_unreadable else cohort

    cohort = cohort_of(data)
    same = {"task": cohort.task} if cohort.label is not None else {}
    found = look(
        cohort,
        test=None if test is None else cohort_of(test, domain=None, **same),
        sources=[cohort_of(s, domain=None, **same) for s in source or () if _is_cohort(s)],
        folds=folds,
        only=check or None,
        progress=_show if sys.stderr.isatty() else None,
    )
    typer.echo(str(found))
    if cohort.label is None and cohort.task != "segmentation":
        typer.echo("\nThere is no label (--label): whatever needs one was not checked.")
    for sentence in cohort.warnings:
        typer.echo(f"medgraft: {sentence}", err=True)
    if out is None:
        typer.echo("\nWith --out FOLDER the rows are written to audit.json and audit.html.")
    else:
        found.write(out, show_files)
        page = build_audit(found.to_dict(show_files), out)
        typer.echo(f"\nThe rows are in {out / 'audit.json'} and {page}.")
    if strict and found.worst == "severe":
        raise typer.Exit(1)


def _is_cohort(spec: str) -> bool:
    if Path(spec).exists():
        return Path(spec).suffix not in (".safetensors", ".pth", ".pt")
    from medgraft.sources import source_kind

    return source_kind(spec) != "network"


def _show(done: int, total: int) -> None:
    if done == total or done % max(1, total // 100) == 0:
        end = "\n" if done == total else ""
        sys.stderr.write(f"\ropening samples: {done:,} of {total:,}{end}")
        sys.stderr.flush()
