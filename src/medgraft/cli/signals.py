"""``medgraft signals``: recordings filtered, cut into windows and aligned, ready for a trial."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medgraft.base import MedgraftError
from medgraft.cli.app import verb
from medgraft.cli.roles import Data, Domain, Group, Label, Signal

if TYPE_CHECKING:
    from medgraft.sources.signal_cut import Cut
    from medgraft.sources.signal_prepare import Prepared


@verb
def signals(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for manifest.csv and the windows.")],
    signal: Signal = None,
    label: Label = None,
    group: Group = None,
    domain: Domain = None,
    reading: Annotated[
        str,
        typer.Option(
            help="How recordings are read and filtered as a whole: rate=128,low=8,high=30,notch=50,"
            "channels=C3|Cz|C4,scale=zscore; recorded=250 where files do not say their rate."
        ),
    ] = "",
    epochs: Annotated[
        float | None, typer.Option(help="Length of windows in seconds, one after the other.")
    ] = None,
    overlap: Annotated[float, typer.Option(help="Share of a window that the next one shares.")] = 0.0,
    events: Annotated[
        str | None,
        typer.Option(help="Windows at annotations of EDF and BDF, with their labels: T1=left,T2=right."),
    ] = None,
    window: Annotated[
        str | None, typer.Option(help="From when to when after an event, in seconds: 0.5,2.5.")
    ] = None,
    align: Annotated[
        str, typer.Option(help="euclidean or riemannian: whiten each patient's windows, without labels.")
    ] = "",
    align_by: Annotated[str, typer.Option(help="patient, or recording.")] = "patient",
    drop_artefacts: Annotated[
        bool, typer.Option("--drop-artefacts", help="Leave out windows in which a channel has an artefact.")
    ] = False,
    line: Annotated[float, typer.Option(help="Frequency of the mains in Hz: 60 in the Americas.")] = 50.0,
    largest: Annotated[
        float, typer.Option(help="Largest range of a channel in its unit: 0.0005 for scalp EEG in volts.")
    ] = 0.0,
) -> None:
    """Cut recordings into windows that `medgraft trial` reads.

    Recordings are filtered as a whole before they are cut. Each window keeps its patient, recording and
    label, and the number of channels with an artefact of each kind.
    """
    cut = _cut(epochs, overlap, events, window)  # before anything is read
    from medgraft.cohort import read
    from medgraft.sources.signal_cut import recordings_of
    from medgraft.sources.signal_prepare import prepare
    from medgraft.trial.progress import Progress

    cohort = read(data, label=label, group=group, domain=domain, signal=signal, require_label=False)
    for sentence in cohort.warnings:
        typer.echo(f"medgraft: {sentence}", err=True)
    if label is not None and cohort.label is None:
        raise MedgraftError(f"The label column '{label}' is not in '{data}': check --label.")
    if cohort.group is None:
        typer.echo("medgraft: No column names patients (--group): each recording is one.", err=True)
    total = 0 if cohort.signal is None else len(recordings_of(cohort.table[cohort.signal].astype(str)))
    with Progress(on=True).bar("recordings", total) as step:
        made = prepare(
            cohort,
            out,
            cut,
            reading=reading,
            align=align,
            align_by=align_by,
            drop=drop_artefacts,
            line=line,
            largest=largest,
            progress=step,
        )
    _tell(made, out, align and align_by)


def _cut(epochs: float | None, overlap: float, events: str | None, window: str | None) -> Cut:
    """Return where windows lie, or refuse what contradicts itself."""
    from medgraft.sources.signal_cut import Cut

    if (epochs is None) == (events is None):
        raise MedgraftError(
            "Windows are cut one after the other (--epochs SECONDS) or at events (--events T1=left,T2=right "
            "--window 0.5,2.5): give one of the two."
        )
    if (events is None) != (window is None):
        raise MedgraftError("--events and --window go together: --events T1=left --window 0.5,2.5.")
    if events is None or window is None:
        return Cut(float(epochs or 0.0), overlap)
    try:
        first, last = (float(word) for word in window.split(","))
    except ValueError:
        raise MedgraftError(f"--window takes two numbers, as in 0.5,2.5, not '{window}'.") from None
    pairs = [part.partition("=") for part in events.split(",")]
    if not all(name.strip() and label.strip() for name, _, label in pairs):
        raise MedgraftError(f"--events takes EVENT=LABEL,EVENT=LABEL, not '{events}'.")
    named = {name.strip(): label.strip() for name, _, label in pairs}
    return Cut(round(last - first, 9), overlap, named, first)


def _tell(made: Prepared, out: Path, aligned: str) -> None:
    """Print what was made, what was left out, and how to go on."""
    from medgraft.sources.signal_cut import FLAGS

    table, given = made.manifest, made.reading.signal
    patients, recordings = table["patient"].nunique(), table["recording"].nunique()
    typer.echo(
        f"{len(table):,} windows of {table['seconds'].iloc[0]:g} seconds from {recordings:,} recordings of "
        f"{patients:,} patients: {len(given.channels)} channels at {given.rate:g} Hz."
    )
    bad = table[list(FLAGS)] > 0
    if "label" in table:
        typer.echo(f"\n{'label':<24} windows  patients  with an artefact")
        for name, rows in table.groupby("label"):
            flagged = int(bad.loc[rows.index].any(axis=1).sum())
            typer.echo(f"{name!s:<24} {len(rows):7,}  {rows['patient'].nunique():8,}  {flagged:16,}")
    counts = ", ".join(f"{flag} {int(bad[flag].sum()):,}" for flag in FLAGS)
    typer.echo(f"\nWindows in which a channel is flagged: {counts}.")
    for sentence in made.said:
        typer.echo(sentence)
    if aligned:
        typer.echo(
            f"Aligned by {aligned}, from all windows of each, without labels: windows that will test are "
            "among them. Say so beside the figures."
        )
    group = "patient" if patients > 1 else "recording"
    typer.echo(
        "Windows of one patient are not independent: keep them on one side of every split with --group "
        f"{group}{'' if patients > 1 else ' (there is one patient only)'}.\n\n"
        f"medgraft trial {out / 'manifest.csv'} --signal signal --label label --group {group} --out RUN"
    )
