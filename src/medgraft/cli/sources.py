"""``medgraft sources``: which source suits your patients, before a trial is run."""

from __future__ import annotations

import json
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
    Group,
    Image,
    Label,
    Levels,
    Positive,
    Protected,
    Skip,
    Task,
    Time,
    Volume,
    Volumes,
    roles_of,
)

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.methods.suit_images import NetworkSuitability

SEEN = "The ranking has seen your labels: whether transfer helps is for medgraft trial to say."


@verb
def sources(
    data: Data = "",
    label: Label = None,
    positive: Positive = None,
    group: Group = None,
    domain: Domain = None,
    target: Annotated[str | None, typer.Option(help="The domain to predict for.")] = None,
    time: Time = None,
    protected: Protected = None,
    image: Image = None,
    volume: Volume = None,
    volumes: Volumes = None,
    columns: Columns = None,
    task: Task = "auto",
    levels: Levels = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Tables: a second cohort. Images: a network, as in timm:NAME. Repeatable."),
    ] = None,
    score: Annotated[
        str, typer.Option(help="What ranks networks: logme, leep, nleep, hscore, transrate or gbc.")
    ] = "logme",
    device: Annotated[str, typer.Option(help="Where networks run: auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="A .json file for the figures.")] = None,
    skip_unreadable: Skip = False,
    known: Annotated[
        bool, typer.Option("--list", help="List the registered networks; DATA may be a glob: '*resnet*'.")
    ] = False,
) -> None:
    """Say which source suits your patients.

    Tables: how far the patients of each source are, and how well its rule does on yours. Images: how well
    the frozen features of each network explain your labels.
    """
    given = locals()
    if known:
        _list(data or "*")
        return
    if not data:
        raise MedgraftError("Which patients? Give their table or folder; --list shows the known networks.")
    from medgraft.cohort import check_images, read
    from medgraft.cohort.media import PICTURES

    roles = roles_of(given) | {"skip_unreadable": skip_unreadable}
    cohort = read(data, **roles)
    if cohort.task == "segmentation":
        raise MedgraftError(
            "Sources are ranked by a label of each sample, not by masks: name one with --label, or compare "
            "networks in a trial, with --arm unet and --source."
        )
    if cohort.task == "multilabel":
        raise MedgraftError(
            f"Sources are ranked for one label at a time: give --label one column, not '{cohort.label}'."
        )
    if cohort.kind in PICTURES:
        if skip_unreadable:
            cohort = check_images(cohort, True, _show_check if sys.stderr.isatty() else None)
        facts = _networks(cohort, source or [], target, score, device, volumes)
    elif cohort.kind == "table":
        facts = _cohorts(cohort, source or [], target, roles, seed)
    else:
        raise MedgraftError(
            "medgraft sources ranks the sources of tables, images and volumes: give one of these."
        )
    typer.echo(SEEN)
    for sentence in cohort.warnings:
        typer.echo(f"medgraft: {sentence}", err=True)
    if out is not None:
        out.write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _list(pattern: str) -> None:
    """Print what is known of the registered networks, without loading any."""
    from medgraft.base import did_you_mean
    from medgraft.sources import networks

    found = [networks[name] for name in networks.list(pattern)]
    if not found:
        near = did_you_mean(pattern, networks)
        raise MedgraftError(f"No registered network is called like '{pattern}'.{near}")
    wide = max(len(n.name) for n in found)
    typer.echo(f"{'network':{wide}s}  {'input':>12s}  {'weights':>8s}  {'from':4s}  licence")
    for n in found:
        side = " x ".join([str(n.input_size)] * n.dims)
        weights = "" if n.parameters is None else f"{n.parameters / 1e6:.2f} M"
        whence = "file" if n.library == "medgraft" else "hub"
        typer.echo(f"{n.name:{wide}s}  {side:>12s}  {weights:>8s}  {whence:4s}  {n.licence}")
    typer.echo(
        "\nAny other timm: or torchvision: name works too. Weights are counted without the classifier; of "
        "those from a file there are none to download: give yours as FILE@NAME, or train one from random "
        "weights (scratch, pretrain-finetune)."
    )


def _cohorts(
    cohort: Cohort, specs: list[str], target: str | None, roles: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Print the domains of tables, the most promising first."""
    from medgraft.cohort import append, read
    from medgraft.evidence import as_metric, default_metric
    from medgraft.methods.suit import rank_sources
    from medgraft.sources import source_kind

    if specs and cohort.domain is None:
        target = cohort.name
    for spec in specs:
        if source_kind(spec) == "network":
            raise MedgraftError(f"'{spec}' is a network, which a table cannot pass through: give a table.")
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
    # Stages are classes here: the order plays no part in how near a source is.
    metric = as_metric(default_metric("multiclass" if cohort.task == "ordinal" else cohort.task))
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
    )
    return {"target": target, "metric": metric.name, "sources": [s.to_dict() for s in ranked]}


def _networks(
    cohort: Cohort, specs: list[str], target: str | None, score: str, device: str, volumes: str | None
) -> dict[str, Any]:
    """Print the networks for images or volumes, the most promising first."""
    from medgraft.methods.suit_images import rank_networks
    from medgraft.sources import Pretrained, source_kind
    from medgraft.sources.rank import scores

    if not specs:
        raise MedgraftError("There is no network to rank: give several with --source, as in timm:NAME.")
    for spec in specs:
        if source_kind(spec) != "network":
            raise MedgraftError(f"'{spec}' holds patients: for images medgraft sources ranks networks.")
    if target is not None:
        if cohort.domains is None or target not in cohort.domains:
            raise MedgraftError(f"There is no domain '{target}': check --domain and --target.")
        cohort = cohort.select(cohort.domains == target)
    task = "regression" if cohort.task == "regression" else "classification"
    ranked = rank_networks(
        cohort.X,
        cohort.y,
        [Pretrained(spec, volume=volumes) for spec in specs],
        score=score,
        task=task,
        groups=cohort.groups if cohort.group else None,
        device=device,
        progress=_show if sys.stderr.isatty() else None,
    )
    first, *others = [scores[score], *(scores[n] for n in scores if n != score)]
    others = [s for s in others if task in s.tasks]
    wide = max(24, *(len(m.name) for m in ranked))
    typer.echo(f"Networks for '{cohort.name}', the most promising first ({ranked[0].images} images)\n")
    heads = " ".join(f"{s.label:>9s}" for s in others)
    typer.echo(f"{'network':{wide}s} features  {first.label:26s} {heads}  CPU s")
    for m in ranked:
        rest = " ".join(f"{_short(m.values[s.name]):>9s}" for s in others)
        typer.echo(f"{m.name:{wide}s} {m.features:8d}  {_ranking(m, score):26s} {rest}  {m.cpu_seconds:5.1f}")
    typer.echo("\nHigher is better in every column; scores compare networks on the same images only.")
    if ranked[0].low is not None:
        typer.echo("In brackets: 95 % interval over patients (all networks are judged on the same ones).")
    for m in ranked:
        for name, why in m.unknown.items():
            if task in scores[name].tasks:
                typer.echo(f"{scores[name].label} of {m.name} is not known: {why}")
    return {"score": score, "networks": [m.to_dict() for m in ranked]}


def _ranking(m: NetworkSuitability, score: str) -> str:
    both = f" [{m.low:.3f}, {m.high:.3f}]" if m.low is not None and m.high is not None else ""
    return _short(m.values[score]) + both


def _short(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _show_check(done: int, total: int) -> None:
    _show("checking", done, total)


def _show(what: str, done: int, total: int) -> None:
    if done == total or done % max(1, total // 100) == 0:
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{what}: {done:,} of {total:,} images{end}")
        sys.stderr.flush()
