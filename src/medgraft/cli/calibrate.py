"""``medgraft calibrate``: fit a graft to the place where it will be used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.roles import Data, Group, Image, Label, Omics, Sequence, Signal, Skip, Volume
from medgraft.cli.warned import collected, tell

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.graft.use import Use


@verb
def calibrate(
    graft: Annotated[str, typer.Argument(help="Folder of a graft, or of the run that made it.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="New folder for the calibrated graft.")],
    label: Label = None,
    group: Group = None,
    image: Image = None,
    volume: Volume = None,
    signal: Signal = None,
    sequence: Sequence = None,
    omics: Omics = None,
    skip_unreadable: Skip = False,
    method: Annotated[
        str,
        typer.Option(
            help="auto, intercept, temperature, vector, platt or none: how probabilities are mended."
        ),
    ] = "auto",
    sets: Annotated[
        float, typer.Option(help="Share of sets (or intervals) that are to hold the truth; 0 for none.")
    ] = 0.9,
    by_class: Annotated[
        bool | None,
        typer.Option(
            "--by-class/--no-by-class",
            help="Promise it for each class, by larger sets. Default where each has patients enough.",
        ),
    ] = None,
    sensitivity: Annotated[
        float | None, typer.Option(help="Decide so that this share of events is flagged: 0.95.")
    ] = None,
    specificity: Annotated[
        float | None, typer.Option(help="Decide so that this share of the others is not flagged: 0.9.")
    ] = None,
    cost: Annotated[
        str | None, typer.Option(help="Decide by what a missed event and a false alarm cost: 5:1.")
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(help="Share of patients with the event, where it is not that of DATA: 0.1."),
    ] = None,
) -> None:
    """Fit a graft to the place where it will be used.

    DATA are labelled patients of that place, whom the graft has never seen. On them probabilities are
    recalibrated, and thresholds set for sets (or intervals) and, of two classes, for a decision. The graft is
    copied to --out and gains use.json, which holds numbers and no patient.
    """
    from medgraft.graft import load
    from medgraft.graft import use as uses
    from medgraft.graft.calibrate import calibrate as fit
    from medgraft.graft.calibrate import check_offered

    rule, value = _rule(sensitivity, specificity, cost)
    model = load(graft)
    check_offered(model)
    uses.check_folder(model, out)
    media: dict[str, Any] = {
        "image": image,
        "volume": volume,
        "signal": signal,
        "sequence": sequence,
        "omics": omics,
    }
    people = _read(model.manifest, data, label, group, media, skip_unreadable)
    with collected() as said:
        use = fit(
            model,
            people,
            method=method,
            level=sets or None,
            by_class=by_class,
            rule=rule,
            value=value,
            prevalence=prevalence,
        )
    uses.write(model, use, out)
    # The event is the graft's, and --positive no option here.
    tell(said, [sentence for sentence in people.warnings if "--positive" not in sentence])
    for line in _told(use, model.classes, by_class is None):
        typer.echo(line)
    typer.echo(
        "Nobody of DATA may have been among the patients of the trial: a graft holds none of them and cannot "
        "tell, so make sure."
    )
    typer.echo(f"The calibrated graft is {out}.")


def _rule(sensitivity: float | None, specificity: float | None, cost: str | None) -> tuple[Any, float]:
    """Return the one rule that was given, and its number."""
    given = {"sensitivity": sensitivity, "specificity": specificity, "cost": cost}
    asked = {name: number for name, number in given.items() if number is not None}
    if len(asked) > 1:
        raise MedgraftError(f"A graft has one threshold: give one of --{', --'.join(asked)}.")
    for name, number in asked.items():
        return name, _ratio(number) if isinstance(number, str) else number
    return None, 0.0


def _ratio(text: str) -> float:
    """Return a over b of ``a:b``; a alone is to 1.

    Examples
    --------
    >>> _ratio("5:2"), _ratio("5")
    (2.5, 5.0)
    """
    first, _, second = text.partition(":")
    try:
        miss, alarm = float(first), float(second or 1)
    except ValueError:
        miss = alarm = 0.0
    if not (0 < miss < float("inf") and 0 < alarm < float("inf")):
        raise MedgraftError(
            f"--cost is what a missed event costs to what a false alarm costs, such as 5:1, not '{text}'."
        )
    return miss / alarm


def _read(
    manifest: dict[str, Any],
    data: str,
    label: str | None,
    group: str | None,
    media: dict[str, Any],
    skip: bool,
) -> Cohort:
    """Read the labelled patients as the graft's own were read."""
    from medgraft.cohort import check_images, read
    from medgraft.cohort.media import PICTURES

    task = manifest["task"]
    ordered: dict[str, Any] = {"levels": manifest["classes"]} if task == "ordinal" else {}
    people = read(
        data,
        label=label or (None if task == "segmentation" else manifest["label"]),
        group=group,
        **media,
        task=task,
        skip_unreadable=skip,
        **ordered,
    )
    return check_images(people, skip) if people.kind in PICTURES else people


def _told(use: Use, classes: list[str] | None, chosen: bool = False) -> list[str]:
    """Say what was fitted, and what it was worth across folds; `chosen`, whether nobody asked for classes."""
    found = use.evidence
    lines = [
        use.sentence(),
        f"Across {found['folds']} folds of patients, each judged by a fit on the others:",
    ]
    before = (found.get("calibration") or {}).get("before")
    if before is not None:
        after = found["calibration"].get("after", before)
        arrow = "" if after is before else "{} -> "
        names = {"log_loss": "log loss", "brier": "Brier score", "ece": "calibration error"}
        for name, words in names.items():
            lines.append(f"  {words}: {arrow.format(_figure(before[name]))}{_figure(after[name])}")
        lines.append(
            f"  calibration slope: {arrow.format(_span(before['slope']))}{_span(after['slope'])} (1 is right)"
        )
        lines += _changed(found["calibration"].get("log_loss_change"))
    if "conformal" in found:
        c = found["conformal"]
        what, size = ("intervals", "wide") if classes is None else ("sets", "classes")
        held = f"hold the truth in {_span({'value': c['coverage'], 'ci': c['ci']})} (asked: {c['level']:g}"
        lines.append(f"  {what} {held}{_promise(c, chosen)}), {_figure(c['size'])} {size} on average")
        mend = "" if c.get("for_each_class") else ": --by-class promises it for each class"
        for name, one in c.get("by_class", {}).items():
            short = f"; too rarely{mend}" if one["ci"][1] < c["level"] else ""
            lines.append(f"    of '{name}': {_span({'value': one['coverage'], 'ci': one['ci']})}{short}")
    if "decision" in found:
        d = found["decision"]
        lines.append(f"  sensitivity {_span(d['sensitivity'])}, specificity {_span(d['specificity'])}")
    if "prevalence" in found:
        lines.append(
            f"These figures are at the share of events in DATA; that it is {found['prevalence']:g} in the "
            "place was taken on trust."
        )
    return lines


def _promise(conformal: dict[str, Any], chosen: bool) -> str:
    """Say for whom sets are promised, and why not for each class where nobody decided that."""
    from medgraft.graft.recipe import each_needs

    each = conformal.get("for_each_class")
    if each is None:
        return ""
    why = f", since one for each class needs {each_needs(conformal['level'])} of each" if chosen else ""
    return " for each class" if each else f" for all patients together{why}"


def _changed(change: dict[str, Any] | None) -> list[str]:
    if change is None:
        return []
    low, high = change["ci"]
    word = "inconclusive" if None in (low, high) or low <= 0 <= high else "better" if high < 0 else "worse"
    advice = "" if word == "better" else "; --method none leaves the probabilities as they are"
    return [f"  change of the log loss: {_span(change)}, {word}{advice}"]


def _figure(number: float | None) -> str:
    return "none" if number is None else f"{number:.3f}" if abs(number) < 100 else f"{number:.4g}"


def _span(found: dict[str, Any]) -> str:
    low, high = found["ci"]
    return f"{_figure(found['value'])} [{_figure(low)}, {_figure(high)}]"
