"""OMOP exports: person, measurement and condition_occurrence as tables, to one row per patient."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.delimited import sniff
from medgraft.cohort.formats.folders import data_files, head
from medgraft.cohort.formats.text import MISSING
from medgraft.cohort.formats.wide import Wide, moment

_SEX = {"8507": "male", "8532": "female"}  # the two concepts of OMOP's vocabulary
_EVENTS = ("measurement", "observation", "condition_occurrence")
_LINE = 2**20


def matches(path: Path) -> bool:
    """Whether a folder has a table of persons and one of their measurements, observations or conditions."""
    tables = _tables(path) if path.is_dir() else {}
    return "person" in tables and any(name in tables for name in _EVENTS)


def _tables(folder: Path) -> dict[str, Path]:
    return {
        file.stem.lower(): file
        for file in data_files(folder)
        if file.parent == folder and file.suffix.lower() in (".csv", ".tsv", ".txt")
    }


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per person.

    Columns: ``patient`` (person_id), ``age`` (years at the last measurement), ``sex``; for each concept of
    measurements and observations its last value, a number or the concept of a category; and for each
    concept of a condition 1 or 0. Concepts are numbers of OMOP's vocabulary; where one is 0, the source's
    own code stands for it.

    Raises
    ------
    MedgraftError
        A table lacks a column, or a line cannot be read; the message names the file and the line.
    """
    tables, wide = _tables(path), Wide(path)
    for line, row in _rows(tables["person"], ("person_id",)):
        year = row.get("year_of_birth", "")
        month, day = row.get("month_of_birth", ""), row.get("day_of_birth", "")
        date = (
            "-".join([_digits(year, 4), *(_digits(part, 2) for part in (month, day) if part)]) if year else ""
        )
        wide.person(
            _person(row, tables["person"], line), _SEX.get(row.get("gender_concept_id", "")), moment(date)
        )
    for name in ("measurement", "observation"):
        if name in tables:
            _read_values(tables[name], name, wide)
    if "condition_occurrence" in tables:
        file = tables["condition_occurrence"]
        for line, row in _rows(file, ("person_id", "condition_concept_id")):
            code = _concept(row, "condition")
            if code:
                wide.condition(_person(row, file, line), code)
    return wide.table(say)


def _read_values(file: Path, name: str, wide: Wide) -> None:
    for line, row in _rows(file, ("person_id", f"{name}_concept_id")):
        text, category = row.get("value_as_number", ""), row.get("value_as_concept_id", "")
        value: float | str | None = category if category not in ("", "0") else None
        if text:
            try:
                value = float(text)
            except ValueError:
                raise _bad(file, line, f"its value_as_number is {text[:40]!r}") from None
            value = value if math.isfinite(value) else None
        code = _concept(row, name)
        when = moment(row.get(f"{name}_datetime", "")) or moment(row.get(f"{name}_date", ""))
        unit = row.get("unit_concept_id", "")
        wide.value(_person(row, file, line), code, value if code else None, unit if unit != "0" else "", when)


def _concept(row: dict[str, str], name: str) -> str:
    concept = row[f"{name}_concept_id"]
    return concept if concept not in ("", "0") else row.get(f"{name}_source_value", "")[:200]


def _person(row: dict[str, str], file: Path, line: int) -> str:
    if not row["person_id"]:
        raise _bad(file, line, "it has no person_id")
    return row["person_id"]


def _digits(text: str, width: int) -> str:
    """Return a number of a date with its zeros: 7 and 7.0 are both 07."""
    return text.removesuffix(".0").zfill(width)


def _rows(file: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line numbers and rows, with names in lower case and ``""`` for what is missing."""
    delimiter = sniff(head(file))
    with file.open("rb") as content:
        reader = csv.reader(_lines(content, file), delimiter=delimiter)
        try:
            names = [name.strip().lower() for name in next(reader, [])]
            lacking = [name for name in needed if name not in names]
            if lacking:
                raise MedgraftError(f"The table '{file}' lacks the column '{lacking[0]}', which OMOP's has.")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(names):
                    raise _bad(file, reader.line_num, f"it has {len(cells)} fields, the header {len(names)}")
                clean = (cell.strip() for cell in cells)
                yield (
                    reader.line_num,
                    {n: "" if c in MISSING else c for n, c in zip(names, clean, strict=True)},
                )
        except csv.Error as error:
            raise _bad(file, reader.line_num, str(error)) from error


def _lines(content: BinaryIO, file: Path) -> Iterator[str]:
    number = 0
    while line := content.readline(_LINE):
        number += 1
        if len(line) == _LINE:
            raise _bad(file, number, f"it is longer than {_LINE:,} bytes")
        text = line.decode("utf-8", "replace")
        yield text.removeprefix("\ufeff") if number == 1 else text


def _bad(file: Path, line: int, why: str) -> MedgraftError:
    return MedgraftError(f"Line {line} of '{file}' cannot be read ({why}): mend or remove the line.")


FORMAT = register(Format("omop", (), matches, read, roles={"group": "patient"}))
