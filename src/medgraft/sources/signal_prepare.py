"""Recordings made ready: filtered, cut, flagged, aligned, and written with a manifest."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort import Cohort
from medgraft.cohort.formats.signal_windows import SUFFIX, write_windows
from medgraft.cohort.ref import Ref
from medgraft.sources.alignment import euclidean_alignment, riemannian_alignment
from medgraft.sources.arrays import SignalReading, agreed
from medgraft.sources.signal_cut import Cut, Window, recordings_of, windows_of
from medgraft.sources.signal_manifest import OWN, facts_of, label_of, names_of, patients_of, told

ALIGNMENTS = {"euclidean": euclidean_alignment, "riemannian": riemannian_alignment}
BY = ("patient", "recording")
OURS = ("manifest.csv", "signals.json", "windows")


@dataclass(frozen=True)
class Prepared:
    """What :func:`prepare` wrote.

    Attributes
    ----------
    manifest : DataFrame
        As written; `signal` relative to the folder.
    reading : SignalReading
        How recordings were read.
    said : tuple of str
        What was dropped and left out, in sentences.
    """

    manifest: pd.DataFrame
    reading: SignalReading
    said: tuple[str, ...]


def prepare(
    cohort: Cohort,
    out: Path,
    cut: Cut,
    *,
    reading: str = "",
    align: str = "",
    align_by: str = "patient",
    drop: bool = False,
    line: float = 50.0,
    largest: float = 0.0,
    progress: Callable[[str], None] | None = None,
) -> Prepared:
    """Cut a cohort's recordings into windows that a trial reads.

    Use it on long recordings of EEG, ECG and the like before a trial. Not for signals that are windows
    already, and not to mend recordings: gaps are refused, and nothing is ever filled up. No label is looked
    at, except to count.

    Each recording is filtered as a whole and then cut (`windows_of`); channels with artefacts are counted in
    each window; the windows of a patient, or of a recording, are aligned (`medgraft.sources.alignment`), and
    written as they are, in float32.

    Parameters
    ----------
    cohort : Cohort
        Of signals; its group names the patients, else each recording is a patient of its own.
    out : path
        Folder: ``manifest.csv``, ``signals.json`` (the settings) and ``windows/``, one file a recording. What
        an earlier call left there is replaced, once all is written.
    cut : Cut
    reading : str
        Channels, rate, band, notch, scale: ``"rate=128,low=8,high=30,channels=C3|C4"`` (`SignalInput`), and
        ``recorded=250`` for files that do not say their rate. What is not said is what all recordings share.
    align : {"", "euclidean", "riemannian"}
    align_by : {"patient", "recording"}
        Whose windows share a matrix.
    drop : bool, default False
        Leave out windows in which a channel has an artefact.
    line, largest : float
        Frequency of the mains in Hz, and largest range in the signal's units; see `artefacts`.
    progress : callable, optional
        Called with the name of each recording that is done.

    Returns
    -------
    Prepared
        The manifest's columns: ``signal``, ``label`` where there is one, ``patient``, ``recording``,
        ``segment`` (the span or event that a window was cut from), ``start`` and ``seconds``, a column for
        each of the flags with the number of channels, and all other columns of the cohort (with events,
        those that are one for a recording).

    Raises
    ------
    MedgraftError
        The cohort has no signals, a recording cannot be used, an event is nowhere, no window is left, or the
        folder holds other files.

    Notes
    -----
    Memory: the windows of one patient. Time: that of reading and filtering, twice where channels or rate are
    not said.
    """
    _check(cohort, out, reading, align, align_by)
    cells = cohort.table[str(cohort.signal)].astype(str)
    recordings = recordings_of(cells)
    how, said = agreed("signal", list(recordings), f"{reading},seconds={cut.seconds:.15g}")
    if not isinstance(how, SignalReading):
        raise MedgraftError("These are no signals.")
    named = names_of(list(recordings))
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    seen: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    try:
        (part / "windows").mkdir(parents=True)
        for patient, own in patients_of(cohort, recordings, named).items():
            kept: list[tuple[str, Window]] = []
            for recording in own:
                found, lost = windows_of(recording, recordings[recording], cells, how, cut, line, largest)
                seen.update(lost)
                seen[f"of {named[recording]}"] = len(found)
                for window in found:
                    label = label_of(cohort, window)
                    bad = drop and any(window.flags.values())
                    seen.update([f"all {label}", *([f"dropped {label}"] if bad else [])])
                    kept += [] if bad else [(recording, window)]
                if progress is not None:
                    progress(named[recording])
            for recording, windows in _aligned(kept, align, align_by, patient, named).items():
                file = part / "windows" / f"{named[recording]}{SUFFIX}"
                refs = write_windows(file, [w.signal for w in windows])
                for ref, window in zip(refs, windows, strict=True):
                    place = Ref.parse(ref).with_path(file.relative_to(part).as_posix())
                    facts = facts_of(cohort, window, recordings[recording])
                    own_facts = {"patient": patient, "recording": named[recording], "segment": window.segment}
                    times = {"start": round(window.start, 6), "seconds": cut.seconds}
                    rows.append({"signal": str(place)} | facts | own_facts | times | window.flags)
        said += told(seen, cut, drop)
        manifest = pd.DataFrame(rows)
        order = [c for c in OWN if c in manifest.columns]
        manifest = manifest[order + [c for c in manifest.columns if c not in order]]
        manifest.to_csv(part / "manifest.csv", index=False)
        settings = {
            "reading": how.to_dict() | {"signal": replace(how.signal, seconds=0.0).to_dict()},
            "cut": {"seconds": cut.seconds, "overlap": cut.overlap, "first": cut.first}
            | {"events": dict(cut.events)},
            "align": align and {"by": align_by, "mean": align},
            "drop_artefacts": drop,
            "line": line,
            "largest": largest,
        }
        (part / "signals.json").write_text(json.dumps(settings, indent=1) + "\n")
        _put(part, out)
    except OSError as error:
        raise MedgraftError(f"'{out}' cannot be written ({error.strerror}): choose another --out.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Prepared(manifest, how, tuple(said))


def _check(cohort: Cohort, out: Path, reading: str, align: str, align_by: str) -> None:
    if cohort.signal is None:
        raise MedgraftError(
            f"'{cohort.name}' holds no signals: name the column of their paths with --signal, or give a "
            "folder of recordings."
        )
    gaps = int(cohort.table[cohort.signal].isna().sum())
    if gaps:
        raise MedgraftError(f"{gaps} rows of '{cohort.name}' have no signal: remove them.")
    given = {part.partition("=")[0].strip() for part in reading.split(",")}
    for name, instead in (("seconds", "--epochs or --window"), ("picture", "--reading of the trial")):
        if name in given:
            raise MedgraftError(f"The reading takes no {name} here: it is said by {instead}.")
    for value, known, what in ((align, ("", *ALIGNMENTS), "alignment"), (align_by, BY, "alignment by")):
        if value not in known:
            hint = did_you_mean(value, known)
            raise MedgraftError(
                f"There is no {what} '{value}': use {' or '.join(filter(None, known))}.{hint}"
            )
    if out.exists() and not out.is_dir():
        raise MedgraftError(f"'{out}' is a file: give --out a folder.")
    strange = sorted(p.name for p in out.iterdir() if p.name not in OURS) if out.is_dir() else []
    if strange:
        raise MedgraftError(f"The folder '{out}' holds other files ('{strange[0]}'): choose another --out.")


def _aligned(
    kept: list[tuple[str, Window]], align: str, by: str, patient: str, named: Mapping[str, str]
) -> dict[str, list[Window]]:
    """Return the windows of each recording, in the common coordinates where these are asked for."""
    if align and kept:
        who = [patient if by == "patient" else named[recording] for recording, _ in kept]
        learnt = ALIGNMENTS[align]([window.signal for _, window in kept], who)
        kept = [
            (recording, window._replace(signal=learnt(window.signal, name)))
            for (recording, window), name in zip(kept, who, strict=True)
        ]
    found: dict[str, list[Window]] = {}
    for recording, window in kept:
        found.setdefault(recording, []).append(window)
    return found


def _put(part: Path, out: Path) -> None:
    """Put the finished files in place of earlier ones."""
    out.mkdir(parents=True, exist_ok=True)
    for name in OURS:
        place = out / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        (part / name).replace(place)
