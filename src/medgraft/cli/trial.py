"""``medgraft trial``: compare transfer with no transfer and say whether it helped."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.roles import (
    Columns,
    Data,
    Domain,
    Features,
    Group,
    Image,
    Kind,
    Label,
    Levels,
    Mask,
    Omics,
    Positive,
    Protected,
    Reading,
    Sequence,
    Signal,
    Skip,
    Task,
    Time,
    View,
    Volume,
    Volumes,
    roles_of,
)
from medgraft.cli.warned import tell

if TYPE_CHECKING:
    from medgraft.cohort import Cohort


@verb
def trial(
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    label: Label = None,
    positive: Positive = None,
    group: Group = None,
    domain: Domain = None,
    target: Annotated[
        str | None, typer.Option(help="The domain to predict for; the others are sources.")
    ] = None,
    time: Time = None,
    protected: Protected = None,
    image: Image = None,
    volume: Volume = None,
    signal: Signal = None,
    sequence: Sequence = None,
    omics: Omics = None,
    mask: Mask = None,
    features: Features = None,
    columns: Columns = None,
    kind: Kind = None,
    volumes: Volumes = None,
    reading: Reading = "",
    view: View = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="timm:NAME, torchvision:NAME, medgraft:NAME, a .safetensors or .pth file, an earlier run, "
            "radiomics, or a second cohort. Repeatable."
        ),
    ] = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="METHOD, METHOD:setting=value,..., METHOD+STEP (pooled+rose, coral+smote, "
            "l2sp+knn-impute) or a pattern such as '*'. Repeatable."
        ),
    ] = None,
    task: Task = "auto",
    levels: Levels = None,
    metric: Annotated[str | None, typer.Option(help="Metric of the verdict.")] = None,
    folds: Annotated[
        str,
        typer.Option(
            help="Number of folds, 'domain' to leave each out, or 'time' for each patient's later records."
        ),
    ] = "5",
    first: Annotated[
        float, typer.Option(help="Share of a patient's records that teach, with --folds time.")
    ] = 0.3,
    test: Annotated[str | None, typer.Option(help="External test data, in place of folds.")] = None,
    aggregate: Annotated[
        str | None,
        typer.Option(
            help="Join the predictions of a patient's rows (--group) before scoring: mean, max, vote or "
            "noisy-or."
        ),
    ] = None,
    labels_per_class: Annotated[
        str | None, typer.Option(help="How few target labels; several (5,10,20) give a learning curve.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of the folds and label draws.")] = 1,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    budget: Annotated[
        str | None, typer.Option(help="CPU time, for example 10m; dearer arms are left out.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(help="Processes; -1: all cores for tables, and one process for networks.")
    ] = -1,
    backend: Annotated[str, typer.Option(help="Where they run: loky (here), dask or ray.")] = "loky",
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask or Ray cluster; default one on this computer.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    examples: Annotated[
        bool,
        typer.Option(
            "--examples",
            help="Show two test samples in the report, outlined or with a map: they show patients.",
        ),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the finished run that --out holds.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan and stop.")] = False,
    skip_unreadable: Skip = False,
) -> None:
    """Say whether transfer helps your patients.

    Arms with and without transfer are trained and tested on the same patients; the report gives each its
    interval, and each difference its verdict.
    """
    given = locals()
    if not plan:
        out = _place(out, resume or overwrite)
    from medgraft.cohort import check_images, read
    from medgraft.cohort.media import PICTURES
    from medgraft.methods.finetune import ranks
    from medgraft.report import build
    from medgraft.sources import Pretrained, source_kind
    from medgraft.sources.radiomics import Radiomics
    from medgraft.trial import Trial
    from medgraft.trial.backend import backend as parallel

    roles = roles_of(given) | {"skip_unreadable": skip_unreadable}

    def cohort_of(path: str, **changed: Any) -> Cohort:
        cohort = read(path, **(roles | changed))
        return check_images(cohort, skip_unreadable) if cohort.kind in PICTURES else cohort

    sources: list[Any] = []
    for spec in source or ():
        if source_kind(spec) == "radiomics":
            sources.append(Radiomics.of(spec))
            continue
        if source_kind(spec) == "network":
            sources.append(Pretrained(spec, volume=volumes))
        else:
            sources.append(cohort_of(spec, domain=None))
    cohort = cohort_of(data)
    made = Trial(
        cohort,
        arm,
        source=sources,
        target=target,
        test=None if test is None else cohort_of(test, task=cohort.task, domain=None),
        metric=metric,
        folds=folds if folds in ("domain", "time") else _whole(folds, "--folds", ", 'domain' or 'time'"),
        repeats=repeats,
        labels_per_class=[_whole(n, "--labels-per-class") for n in (labels_per_class or "").split(",") if n],
        seed=seed,
        jobs=jobs,
        device=device,
        budget=None if budget is None else _seconds(budget),
        first=first,
        examples=examples,
        aggregate=aggregate,
        views=view or (),
        reading=reading,
    )
    if ranks.join() > 0:  # the first of several processes speaks and writes
        if not plan and out is not None:
            made.run(out)
        return
    made.progress = True
    typer.echo(str(made.plan()), err=True)
    if plan or out is None:
        tell([], [*made.design.data.warnings, *made.said])  # after a run they are among those of the result
        return
    for finding in made.audit().findings:
        if finding.severity != "note":
            typer.echo(f"medgraft: {finding.severity}: {finding.sentence} {finding.advice}", err=True)
    with parallel(backend, scheduler, jobs):
        result = made.run(out, resume=resume, progress=True, command=command(sys.argv[1:]))
    page = build(out)
    typer.echo(str(result))
    for sentence in result.data["warnings"]:
        typer.echo(f"medgraft: {sentence}", err=True)
    model = (
        f"the model is in {out / 'graft'}" if (out / "graft").exists() else "no one model is for all patients"
    )
    typer.echo(f"\nThe report is {page}; {model}.")


def command(words: list[str]) -> str:
    """Return a command line with every path cut to its last part, fit to be shown in a report.

    Examples
    --------
    >>> command(["trial", "/home/ana/heart.csv", "--label", "LDL mg/dL", "--out=/tmp/run"])
    "medgraft trial heart.csv --label 'LDL mg/dL' --out=run"
    """
    return shlex.join(["medgraft", *map(_without_folders, words)])


def _without_folders(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    is_path = value.startswith(("/", "~", "./", "../", "\\\\")) or value[1:3] in (":\\", ":/")
    is_path = is_path or ("/" in value and Path(value.split("@")[0]).expanduser().exists())
    return option + equals + (Path(value.replace("\\", "/")).name if is_path else value)


def _place(out: Path | None, may_hold_a_run: bool) -> Path:
    """Return the folder for the results, unless a finished run would be lost."""
    if out is None:
        raise MedgraftError("Where shall the results go? Say it with --out; --plan alone needs no folder.")
    if (out / "result.json").exists() and not may_hold_a_run:
        raise MedgraftError(
            f"'{out}' holds a finished run: choose another --out, or replace it with --overwrite."
        )
    return out


def _whole(text: str, option: str, others: str = "") -> int:
    if not re.fullmatch(r"\s*\d+\s*", text):
        raise MedgraftError(f"{option} takes whole numbers{others}, not '{text}'.")
    return int(text)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text.strip())
    if match is None:
        raise MedgraftError(f"--budget takes a time such as 90s, 10m or 2h, not '{text}'.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"]
