"""WFDB records: a window around each beat, or a record as a whole."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, class_of, register
from medgraft.cohort.formats.edf import montage_of
from medgraft.cohort.formats.folders import absolute, data_files
from medgraft.cohort.formats.wfdb_header import Header, read_header
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal, first_line
from medgraft.cohort.ref import Ref

BEFORE, AFTER = 0.25, 0.45  # seconds around a beat: the P wave before it and the T wave after it
# The annotation codes that stand for beats; the others mark rhythms, noise, waves and comments.
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
_DIAGNOSES = ("diagnosis", "diagnoses", "dx", "reason for admission")
_FOLDER = re.compile(r"(patient|subject|sub|pat|p|s)[-_]?\d+", re.IGNORECASE)


def matches(path: Path) -> bool:
    """Whether a file is a record's header, or such headers are among a folder's files."""
    if path.is_dir():
        return any(file.suffix.lower() == ".hea" for file in data_files(path))
    return path.is_file() and path.suffix.lower() == ".hea"


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per beat of records with annotations (.atr), and one per record of the others.

    Columns: ``signal`` (a reference with start and seconds), ``label``, ``record``, ``file``, ``start``,
    ``seconds``, ``rate``, ``n_channels``, ``montage``, ``patient`` (the record, or its folder where that
    is named as a patient), and where the headers tell them ``diagnosis``, ``comments``, ``age`` and
    ``sex``. The label of a beat is its code (N, A, V and so on; rhythm and noise marks are no beats); its
    window is from 0.25 s before to 0.45 s after it, and beats too near to an end for that are left out
    with a warning. Where no record has beats, the label is the class folder or the diagnosis.

    Raises
    ------
    MedgraftError
        A header or a file is damaged, missing, cut short or named in another folder.
    """
    root = path if path.is_dir() else path.parent
    headers = [f for f in data_files(path) if f.suffix.lower() == ".hea"] if path.is_dir() else [path]
    read_ = {file: read_header(file) for file in headers}
    parts = {file.with_name(name).with_suffix(".hea") for file, h in read_.items() for name in h.segments}
    rows: list[dict[str, Any]] = []
    for file, header in read_.items():
        if file not in parts:
            rows += _rows(absolute(file), absolute(root), header, say)
    if not rows:
        raise MedgraftError(f"'{path}' has no beat with a whole window around it: move its .atr files away.")
    frame = pd.DataFrame(rows)
    if "label" not in frame.columns:
        folders = [class_of(root, root / name) for name in frame["file"]]
        if all(folders) and len(set(folders)) > 1 and not all(map(_FOLDER.fullmatch, folders)):
            frame["label"] = folders
        elif "diagnosis" in frame.columns:
            frame["label"] = frame["diagnosis"]
    return frame


def _rows(file: Path, root: Path, header: Header, say: Say) -> list[dict[str, Any]]:
    folder = file.parent.name
    common = {
        "record": file.stem,
        "file": file.relative_to(root).as_posix(),
        "rate": header.rate,
        "n_channels": len(header.channels),
        "montage": montage_of(header.channels),
        "patient": folder if file.parent != root and _FOLDER.fullmatch(folder) else file.stem,
    } | _facts(header.comments)
    annotations = file.with_suffix(".atr")
    beats = _beats(annotations) if annotations.is_file() else []
    if not beats:
        seconds = header.length / header.rate
        return [common | {"signal": str(file), "start": 0.0, "seconds": seconds}]
    before, n = round(BEFORE * header.rate), round((BEFORE + AFTER) * header.rate)
    rows = []
    for sample, symbol in beats:
        first = sample - before
        if first >= 0 and first + n <= header.length:
            start, seconds = round(first / header.rate, 9), round(n / header.rate, 9)
            signal = str(Ref(file, start=start, seconds=seconds))
            rows.append(common | {"signal": signal, "label": symbol, "start": start, "seconds": seconds})
    if len(rows) < len(beats):
        say(
            f"{len(beats) - len(rows)} of the {len(beats)} beats of '{file.stem}' are too near to its ends "
            f"for a window from {BEFORE} s before to {AFTER} s after them, and were left out."
        )
    return rows


def _beats(path: Path) -> list[tuple[int, str]]:
    wfdb = _wfdb()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = wfdb.rdann(os.fspath(path.with_suffix("")), "atr")
        pairs = zip(np.asarray(found.sample).tolist(), found.symbol, strict=True)
        return [(int(sample), symbol) for sample, symbol in pairs if symbol in BEATS]
    except Exception as error:  # a parser of arbitrary bytes
        raise MedgraftError(
            f"The annotations '{path}' cannot be read ({first_line(error)}): get the file anew, or move it "
            "away to read the record as a whole."
        ) from error


def _facts(comments: tuple[str, ...]) -> dict[str, Any]:
    """Return diagnosis, age and sex where the comments tell them, and the comments that have no name."""
    facts: dict[str, Any] = {}
    loose = []
    for comment in comments:
        key, colon, value = (part.strip() for part in comment.partition(":"))
        patient = re.match(r"(\d{1,3})\s+([MF])\b", comment)  # as the MIT-BIH database writes it
        if patient is not None:
            facts |= {"age": float(patient[1]), "sex": patient[2]}
        elif not colon:
            loose.append(comment)
        elif key.lower() in _DIAGNOSES and value.lower() not in ("", "n/a", "no", "unknown"):
            facts.setdefault("diagnosis", value)
        elif key.lower() == "age" and re.fullmatch(r"\d{1,3}(\.\d+)?", value):
            facts["age"] = float(value)
        elif key.lower() in ("sex", "gender") and value[:1].upper() in ("M", "F"):
            facts["sex"] = value[0].upper()
    if loose:
        facts["comments"] = "; ".join(loose)[:200]
    return facts


def open_signal(ref: Ref) -> Signal:
    """Return a span of a record, or all of it, in physical units; samples marked invalid are NaN.

    Channels that are sampled faster than the record's rate are averaged to it.

    Raises
    ------
    MedgraftError
        The record is damaged, the span lies outside of it, or wfdb is not installed.
    """
    path = Path(ref.path).with_suffix(".hea")
    header = read_header(path)
    total = header.length
    first = round(ref.numbers("start")[0] * header.rate) if "start" in ref.parts else 0
    n = round(ref.numbers("seconds")[0] * header.rate) if "seconds" in ref.parts else total - first
    if first < 0 or n < 1 or first + n > total:
        seconds = total / header.rate
        raise MedgraftError(f"The reference '{ref}' lies outside of the record of {seconds:g} seconds.")
    check_size((n + header.skew) * header.frame, path)
    wfdb = _wfdb()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = wfdb.rdrecord(os.fspath(path.with_suffix("")), sampfrom=first, sampto=first + n)
    values = np.ascontiguousarray(np.asarray(record.p_signal).T, np.float32)
    units = tuple(unit or "" for unit in record.units)
    return Signal(values, float(record.fs), tuple(name or "" for name in record.sig_name), units)


def _wfdb() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wfdb
    except ImportError as error:
        raise MedgraftError("WFDB records need wfdb: pip install 'medgraft[signals]'") from error
    return wfdb


def opens(ref: Ref) -> bool:
    """Whether a reference is to a record's header, or to a file with a header beside it."""
    path = Path(ref.path)
    return path.suffix.lower() == ".hea" or (
        path.suffix.lower() in (".dat", ".mat", ".atr", "") and path.with_suffix(".hea").is_file()
    )


FORMAT = register(
    Format(
        "wfdb_record",
        (".hea",),
        matches,
        read,
        roles={"signal": "signal", "label": "label", "group": "patient"},
    )
)
DECODER = add_decoder(Decoder("wfdb_record", "signal", opens, open_signal))
