"""EDF and BDF recordings: an epoch for each annotation, or a file as a whole."""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, class_of, register
from medgraft.cohort.formats.edf_annotations import read_annotations
from medgraft.cohort.formats.edf_header import Header, is_annotation, is_edf, read_header
from medgraft.cohort.formats.folders import absolute, data_files
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal
from medgraft.cohort.ref import Ref

SUFFIXES = (".edf", ".bdf")
_VOLTS = ("V", "mV", "uV", "\u00b5V", "\u03bcV", "\x83\xcaV")  # the units that mne brings to volts
_STEM = re.compile(r"(?P<patient>sub-[A-Za-z0-9]+|[A-Za-z]+\d+(?=R\d+$))[_-]?(?P<run>.*)")


def matches(path: Path) -> bool:
    """Whether a file begins as EDF or BDF files do, or such files are among a folder's."""
    if path.is_dir():
        return any(file.suffix.lower() in SUFFIXES for file in data_files(path))
    return path.is_file() and is_edf(path)


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per annotated epoch, or per file where a file has none.

    Columns: ``signal`` (a reference with start and seconds), ``label`` (the annotation's text, or the
    class folder of files without annotations), ``file``, ``run``, ``start``, ``seconds``, ``rate``,
    ``n_channels``, ``montage``, ``patient`` and, where a header tells it, ``sex``. The patient is the code
    in the header; where that is anonymous, it is taken from the file's name (S001 of S001R03,
    sub-01 of sub-01_run-2) or its folder's, and last is the file itself. Names and dates of birth are
    not kept. Epochs that run past the end are shortened, and those that begin there left out, with a
    warning; annotations without a duration are marks and no epochs.

    Raises
    ------
    MedgraftError
        A file is damaged, cut short, or has gaps.
    """
    root = path if path.is_dir() else path.parent
    files = [f for f in data_files(path) if f.suffix.lower() in SUFFIXES] if path.is_dir() else [path]
    rows = [row for file in files for row in _rows(absolute(file), absolute(root), say)]
    frame = pd.DataFrame(rows)
    empty = [c for c in ("label", "sex") if frame[c].isna().all()] if len(frame) else []
    return frame.drop(columns=empty)


def _rows(file: Path, root: Path, say: Say) -> list[dict[str, Any]]:
    header = read_header(file, say)
    patient, run = _patient(header, file, root)
    common = {
        "file": file.relative_to(root).as_posix(),
        "run": run,
        "rate": header.rate,
        "n_channels": len(header.channels),
        "montage": montage_of(header.channels),
        "patient": patient,
        "sex": _sex(header),
    }
    epochs, whole = [], {"start": 0.0, "seconds": header.duration, "signal": str(file)}
    annotations = read_annotations(header, file)
    shortened = outside = marks = 0
    for start, seconds, text in annotations:
        left = min(seconds, header.duration - start)
        if seconds == 0:
            marks += 1
        elif start < 0 or left * header.rate < 1:
            outside += 1
        else:
            shortened += left < seconds - 0.5 / header.rate
            start, left = round(start, 6), round(left, 6)
            signal = str(Ref(file, start=start, seconds=left))
            epochs.append(common | {"signal": signal, "label": text, "start": start, "seconds": left})
    if shortened:
        say(f"{shortened} epochs of '{file.name}' run past its end and were shortened.")
    if outside:
        say(f"{outside} epochs of '{file.name}' lie outside of it and were left out.")
    if marks:
        say(f"{marks} annotations of '{file.name}' have no duration; they are marks and no epochs.")
    return epochs or [common | whole | {"label": class_of(root, file) or None}]


def _patient(header: Header, file: Path, root: Path) -> tuple[str, str]:
    """Return the patient, and what the file's name says beyond the patient."""
    found = _STEM.fullmatch(file.stem)
    words = header.patient.split()
    code = words[0] if header.plus[:3] in ("EDF", "BDF") and words else header.patient
    meaningful = len(set(code)) > 1 and code.lower() not in ("unknown", "anonymous", "anonymized", "none")
    run = found["run"] if found else file.stem
    if meaningful:
        return code, run or file.stem
    if found:
        return found["patient"], run or file.stem
    folder = file.parent.name
    if file.parent != root and file.stem.lower().startswith(folder.lower()):
        return folder, file.stem[len(folder) :].lstrip("_-") or file.stem
    return file.relative_to(root).with_suffix("").as_posix(), file.stem


def _sex(header: Header) -> str | None:
    words = header.patient.split()
    known = header.plus[:3] in ("EDF", "BDF") and len(words) > 1
    return {"M": "M", "F": "F"}.get(words[1].upper()) if known else None


def montage_of(channels: tuple[str, ...]) -> str:
    """Return a short text that differs where the channels or their order differ.

    Examples
    --------
    >>> montage_of(("C3", "C4")), montage_of(tuple(f"E{i}" for i in range(64)))
    ('C3, C4', 'E0, E1, E2, ... (64, df2b11d0)')
    """
    text = ", ".join(channels)
    if len(text) <= 60:
        return text
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return ", ".join(name[:16] for name in channels[:3]) + f", ... ({len(channels)}, {mark})"


def open_signal(ref: Ref) -> Signal:
    """Return a span of a recording, or all of it; only the records that hold it are read.

    Values are in volts where the header's units are volts, else in its own. Channels of a lower rate are
    brought to the highest, as mne does.

    Raises
    ------
    MedgraftError
        The file is damaged, the span lies outside of it, or mne is not installed.
    """
    path = Path(ref.path)
    changed = path.stat()
    header, raw = _open(os.fspath(path), changed.st_mtime_ns, changed.st_size)
    rate, total = float(raw.info["sfreq"]), int(raw.n_times)
    first = round(ref.numbers("start")[0] * rate) if "start" in ref.parts else 0
    n = round(ref.numbers("seconds")[0] * rate) if "seconds" in ref.parts else total - first
    if first < 0 or n < 1 or first + n > total + 1:  # rounding may ask for one sample more
        raise MedgraftError(
            f"The reference '{ref}' lies outside of the recording of {total / rate:g} seconds."
        )
    check_size(n * len(header.channels), path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = raw.get_data(start=first, stop=min(first + n, total), verbose="ERROR")
    units = tuple(
        "V" if unit in _VOLTS else unit
        for name, unit in zip(header.labels, header.units, strict=True)
        if not is_annotation(name)
    )
    return Signal(np.ascontiguousarray(values, np.float32), rate, tuple(raw.ch_names), units)


@lru_cache(maxsize=8)
def _open(path: str, changed: int, size: int) -> tuple[Header, Any]:
    """Open a recording without reading its samples; the file's time and size make the key."""
    header = read_header(Path(path))
    try:
        import mne
    except ImportError as error:
        raise MedgraftError("EDF and BDF recordings need mne: pip install 'medgraft[signals]'") from error
    reader = mne.io.read_raw_edf if header.width == 2 else mne.io.read_raw_bdf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return header, reader(path, preload=False, encoding="latin1", verbose="ERROR")


def opens(ref: Ref) -> bool:
    """Whether a reference is to an EDF or BDF recording."""
    return ref.path.lower().endswith(SUFFIXES) or is_edf(Path(ref.path))


FORMAT = register(
    Format("edf", SUFFIXES, matches, read, roles={"signal": "signal", "label": "label", "group": "patient"})
)
DECODER = add_decoder(Decoder("edf", "signal", opens, open_signal))
