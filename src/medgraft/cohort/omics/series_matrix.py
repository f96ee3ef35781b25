"""GEO series matrices: lines about the samples, then a table of probes x samples."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats.text import clean
from medgraft.cohort.omics.delimited import parse
from medgraft.cohort.omics.layout import fields
from medgraft.cohort.omics.lines import head, read_lines, text
from medgraft.cohort.omics.store import Draft, Tell

_BEGIN, _END = b"!series_matrix_table_begin", b"!series_matrix_table_end"
_KEPT = {
    "title": "title",
    "source_name_ch1": "source",
    "platform_id": "platform",
    "source_name_ch2": "ch2 source",
}
_MAX_ABOUT = 2**26  # bytes of text about the samples


def is_series_matrix(path: Path) -> bool:
    """Whether a file, compressed or not, begins as a series matrix does."""
    start = head(path, 4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"!Series_", b"!Sample_", _BEGIN))


def read(path: Path, folder: Path, progress: Tell | None, orientation: str, ids: Collection[str]) -> Draft:
    """Read a series matrix into a draft: samples are its columns, always."""
    lines = read_lines(path, progress)
    about = read_about(lines, path)
    first = next(lines, None)
    second = next(lines, None)
    if first is None or second is None or second.strip().lower() == _END:
        raise MedgraftError(
            f"The series matrix '{path}' has no values (as for sequencing, whose counts lie in supplementary "
            "files): download those, and give them with --omics beside this file's table."
        )
    ended: list[bool] = []
    draft = parse(_until_end(chain([first, second], lines), ended), path, folder)
    if not ended:
        raise MedgraftError(f"The series matrix '{path}' has no last line: it is cut off, get it again.")
    table = about.set_index("sample")
    strange = [sample for sample in draft.columns if sample not in table.index]
    if strange:
        raise MedgraftError(
            f"The series matrix '{path}' has values of '{strange[0]}', of which it says nothing: is it "
            "damaged?"
        )
    draft.table = table.loc[draft.columns].reset_index()
    draft.samples = "columns"
    return draft


def read_table(path: Path) -> pd.DataFrame:
    """Return what a series matrix says of its samples, without reading the values."""
    return read_about(read_lines(path), path)


def read_about(lines: Iterator[bytes], path: Path) -> pd.DataFrame:
    """Return one row a sample, from the lines above the table; `lines` stands at the table afterwards.

    ``characteristics`` of the form ``key: value`` become columns of their own, wherever in a sample's list
    they stand; others go to columns ``characteristics``.
    """
    found: dict[str, list[str]] = {}
    characteristics: list[tuple[str, list[str]]] = []
    series, size = "", 0
    for line in lines:
        if line.strip().lower() == _BEGIN:
            break
        size += len(line)
        if size > _MAX_ABOUT:
            raise MedgraftError(
                f"'{path}' has no table in its first {_MAX_ABOUT >> 20} MiB: is it a series matrix?"
            )
        key, _, rest = line.partition(b"\t")
        name = text(key).lower()
        if name == "!series_geo_accession":
            series = fields(rest, b"\t")[0].strip()
        if not name.startswith("!sample_"):
            continue
        name = name.removeprefix("!sample_")
        cells = [cell.strip() for cell in fields(rest, b"\t")]
        if name.startswith("characteristics"):
            characteristics.append(("ch2 " if name.endswith("ch2") else "", cells))
        elif name == "geo_accession" or name in _KEPT:
            found.setdefault(name, cells)
    else:
        raise MedgraftError(f"'{path}' has no table of values: it is cut off, or no series matrix.")
    samples = found.get("geo_accession")
    if not samples:
        raise MedgraftError(
            f"The series matrix '{path}' names no samples (!Sample_geo_accession): is it damaged?"
        )
    columns: dict[str, list[str]] = {"sample": samples}
    columns |= {_KEPT[name]: cells for name, cells in found.items() if name in _KEPT}
    if series:
        columns["series"] = [series] * len(samples)
    columns |= _characteristics(characteristics, len(samples), set(columns))
    for name, cells in columns.items():
        if len(cells) != len(samples):
            raise MedgraftError(
                f"The series matrix '{path}' names {len(samples)} samples and gives '{name}' for "
                f"{len(cells)}: "
                "is it damaged?"
            )
    return clean(pd.DataFrame(columns))


def _characteristics(lines: list[tuple[str, list[str]]], n: int, taken: set[str]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for prefix, cells in lines:
        for i, cell in enumerate(cells[:n]):
            key, colon, value = cell.partition(":")
            name = prefix + (key.strip() if colon and key.strip() else "characteristics")
            while name in taken or (name in columns and columns[name][i] != ""):
                name += "_"
            if name not in columns:
                columns[name] = [""] * n
            columns[name][i] = value.strip() if colon else cell
    return columns


def _until_end(lines: Iterator[bytes], ended: list[bool]) -> Iterator[bytes]:
    for line in lines:
        if line.strip().lower() == _END:
            ended.append(True)
            return
        if line.strip():
            yield line
