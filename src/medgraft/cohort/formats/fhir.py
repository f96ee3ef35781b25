"""FHIR bulk exports: Patient, Observation and Condition in NDJSON, to one row per patient."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.folders import data_files, head
from medgraft.cohort.formats.wide import Moment, Wide, moment

_LINE = 2**24  # bytes; a resource with a picture inside can be megabytes
_REFERENCE = re.compile(r"(?:.*\bPatient/|urn:uuid:)([A-Za-z0-9.-]{1,64})(?:/_history/.*)?")
_VOID = ("entered-in-error", "cancelled", "refuted")


def matches(path: Path) -> bool:
    """Whether a file begins with a FHIR resource, or such files (.ndjson) are among a folder's."""
    if path.is_dir():
        return any(_is_bulk(file) for file in data_files(path))
    return path.is_file() and _is_bulk(path)


def _is_bulk(path: Path) -> bool:
    return (
        ".ndjson" in path.name.lower()
        and re.match(r'\s*\{.*?"resourceType"', head(path, 4096) or _start(path)) is not None
    )


def _start(path: Path) -> str:
    """Return the first letters of a file whose first line is long."""
    with path.open("rb") as file:
        return file.read(4096).decode("utf-8", "replace").split("\n")[0]


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per patient, for a folder of NDJSON files (also in parts, Patient.000.ndjson) or one.

    Columns: ``patient``, ``age`` (years at the last observation), ``sex``; for each code of an
    observation, LOINC if it has one, its last value, a number or the name of a category; and for each
    code of a condition 1 or 0. Parts of an observation, such as the two blood pressures, are observations
    of their own. What was entered in error, cancelled or refuted does not count. Names, addresses and
    dates of birth are not kept.

    Raises
    ------
    MedgraftError
        A line is no FHIR resource; the message names the file and the line.
    """
    files = [f for f in data_files(path) if ".ndjson" in f.name.lower()] if path.is_dir() else [path]
    wide = Wide(path)
    passed: Counter[str] = Counter()
    for file in files:
        for number, resource in _resources(file):
            try:
                kind = resource["resourceType"]
                if kind not in _TAKE or not _TAKE[kind](resource, wide):
                    passed[str(kind)] += 1
            except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
                raise _bad_line(file, number, "a FHIR resource") from error
    if passed:
        shown = ", ".join(f"{kind} ({n})" for kind, n in passed.most_common(5))
        say(f"Resources of other types, or without a patient, code or value to use, were left out: {shown}.")
    return wide.table(say)


def _resources(file: Path) -> Iterator[tuple[int, Any]]:
    with file.open("rb") as lines:
        number = 0
        while line := lines.readline(_LINE):
            number += 1
            if len(line) == _LINE and not line.endswith(b"\n"):
                raise _bad_line(file, number, f"shorter than {_LINE:,} bytes")
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _bad_line(file, number, "JSON") from error


def _bad_line(file: Path, number: int, what: str) -> MedgraftError:
    return MedgraftError(f"Line {number} of '{file}' is not {what}: mend or remove the line.")


def _patient(resource: Any, wide: Wide) -> bool:
    sex = resource.get("gender")
    wide.person(
        _short(resource["id"]),
        sex if sex in ("male", "female", "other") else None,
        moment(resource.get("birthDate")),
    )
    return True


def _observation(resource: Any, wide: Wide) -> bool:
    patient = _subject(resource)
    if patient is None or resource.get("status") in _VOID:
        return False
    period = resource.get("effectivePeriod") or {}
    times = (
        resource.get("effectiveDateTime"),
        period.get("end"),
        period.get("start"),
        resource.get("issued"),
    )
    when = next((m for m in map(moment, times) if m is not None), None)
    taken = [
        _take_value(part, patient, wide, when) for part in (resource, *(resource.get("component") or ()))
    ]
    return any(taken)


def _take_value(part: Any, patient: str, wide: Wide, when: Moment | None) -> bool:
    code, (value, unit) = _code(part.get("code")), _value(part)
    if code is None or value is None:
        wide.value(patient, "", None, "", when)
        return False
    wide.value(patient, code, value, unit, when)
    return True


def _value(part: Any) -> tuple[float | str | None, str]:
    if "valueQuantity" in part:
        quantity = part["valueQuantity"]
        return _number(quantity.get("value")), _short(quantity.get("unit") or quantity.get("code") or "")
    if "valueInteger" in part:
        return _number(part["valueInteger"]), ""
    if "valueBoolean" in part:
        return _number(int(bool(part["valueBoolean"]))), ""
    return _name(part.get("valueCodeableConcept")), ""


def _condition(resource: Any, wide: Wide) -> bool:
    patient, code = _subject(resource), _code(resource.get("code"))
    if patient is None or code is None or _code(resource.get("verificationStatus")) in _VOID:
        return False
    wide.condition(patient, code)
    return True


_TAKE = {"Patient": _patient, "Observation": _observation, "Condition": _condition}


def _subject(resource: Any) -> str | None:
    subject = resource.get("subject") or resource.get("patient") or {}
    found = _REFERENCE.fullmatch(subject.get("reference") or "")
    return found[1] if found else None


def _code(concept: Any) -> str | None:
    """Return the LOINC code of a concept, else its first code, else its text."""
    if not concept:
        return None
    codings = [c for c in concept.get("coding") or () if c.get("code")]
    loinc = [c for c in codings if c.get("system") == "http://loinc.org"]
    chosen = (loinc or codings or [{}])[0].get("code") or concept.get("text")
    return _short(chosen) if chosen else None


def _name(concept: Any) -> str | None:
    """Return a category as a person would call it."""
    if not concept:
        return None
    codings = concept.get("coding") or [{}]
    chosen = concept.get("text") or codings[0].get("display") or codings[0].get("code")
    return _short(chosen) if chosen else None


def _short(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError("a text was expected")
    return text.strip()[:200]


def _number(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError("a number was expected")
    return float(value) if math.isfinite(value) else None


FORMAT = register(Format("fhir", (".ndjson",), matches, read, roles={"group": "patient"}))
