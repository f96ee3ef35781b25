"""``medgraft sources``: which source suits your patients, before a trial is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.roles import (
    Columns,
    Data,
    Domain,
    Group,
    Label,
    Positive,
    Protected,
    Task,
    Time,
    roles_of,
)


@verb
def sources(
    data: Data,
    label: Label = None,
    positive: Positive = None,
    group: Group = None,
    domain: Domain = None,
    target: Annotated[str | None, typer.Option(help="The domain to predict for.")] = None,
    time: Time = None,
    protected: Protected = None,
    columns: Columns = None,
    task: Task = "auto",
    source: Annotated[
        list[str] | None, typer.Option(help="A second cohort to learn from. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="A .json file for the figures.")] = None,
) -> None:
    """Say which source suits your patients: how far its patients are, and how well its rule does on yours."""
    given = locals()
    from medgraft.cohort import append, read
    from medgraft.evidence import as_metric, default_metric
    from medgraft.methods.suit import rank_sources

    roles = roles_of(given)
    cohort = read(data, **roles)
    if cohort.kind != "table":
        raise MedgraftError("medgraft sources ranks the sources of tables: give a table.")
    if source and cohort.domain is None:
        target = cohort.name
    for spec in source or ():
        cohort = append(cohort, read(spec, **(roles | {"domain": None, "task": cohort.task})))
    if cohort.domains is None:
        raise MedgraftError("There is no source to rank: give --domain and --target, or --source.")
    if target is None:
        known = ", ".join(f"'{d}'" for d in sorted(set(cohort.domains.tolist())))
        raise MedgraftError(f"Which domain is the target? Say it with --target; there are {known}.")
    ranked = rank_sources(
        cohort.X,
        cohort.y,
        domain=cohort.domains,
        target=target,
        groups=cohort.groups,
        task="regression" if cohort.task == "regression" else "classification",
        random_state=seed,
    )
    metric = as_metric(default_metric(cohort.task))
    typer.echo(f"Sources for '{target}', the most promising first\n")
    typer.echo(
        f"{'source':24s} {'patients':>8s}  {metric.label + ' of its model here':34s} "
        "A-distance    MMD2  labels"
    )
    for s in ranked:
        value = "not known"
        if s.value is not None:
            value = f"{s.value:.3f}"
            value += f" [{s.low:.3f}, {s.high:.3f}]" if s.low is not None and s.high is not None else ""
        gap = "" if s.label_distance is None else f"{s.label_distance:6.2f}"
        typer.echo(f"{s.name:24s} {s.patients:8d}  {value:34s} {s.a_distance:10.2f} {s.mmd2:7.3f}  {gap}")
    typer.echo(
        "\nA-distance: 0 where its patients cannot be told from yours, 2 where they always can."
        "\nMMD2: distance of the features' distributions; labels: distance of the labels' distributions."
        "\nThe ranking has seen your labels: whether transfer helps is for medgraft trial to say."
    )
    if out is not None:
        facts = {"target": target, "metric": metric.name, "sources": [s.to_dict() for s in ranked]}
        out.write_text(json.dumps(facts, indent=1), encoding="utf-8")
