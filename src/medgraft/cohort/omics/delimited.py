"""Matrices as delimited text, of any width and length, parsed in pieces of a few MiB."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats.text import clean
from medgraft.cohort.omics.layout import PIECE, PROBE, delimiter_of, fields, sniff
from medgraft.cohort.omics.lines import read_lines
from medgraft.cohort.omics.store import MAX_NAMES, Draft, Tell, matches

# Columns of numbers that are about the patient, where samples are in rows.
_CLINICAL = (
    "age sex gender label labels class target outcome diagnosis disease status group batch site patient "
    "patient_id subject subject_id y"
)
CLINICAL = frozenset(_CLINICAL.split(" "))


def read(path: Path, folder: Path, progress: Tell | None, orientation: str, ids: Collection[str]) -> Draft:
    """Read delimited text into a draft; `orientation` says where the samples are, or ``"auto"``."""
    lines = (line for line in read_lines(path, progress) if line.strip())
    draft = parse(_without_comments(lines), path, folder)
    draft.samples = orientation if orientation != "auto" else orient(draft.rows, draft.columns, ids)
    if draft.samples == "rows":
        draft.drop = [j for j, name in enumerate(draft.columns) if name.lower() in CLINICAL]
    elif draft.table.shape[1]:
        names = ", ".join(repr(c) for c in draft.table.columns[:5])
        draft.said.append(f"The columns {names} of '{path}' hold text about the features and are not used.")
        draft.table = pd.DataFrame()
    return draft


def _without_comments(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Leave out comments above the header; the last may be the header itself, as in ``#chrom  start``."""
    comment = b""
    for line in lines:
        if not line.startswith(b"#"):
            width = [len(fields(text_, delimiter_of(line))) for text_ in (comment, line)]
            head = [comment.lstrip(b"# ")] if comment and width[0] == width[1] > 1 else []
            yield from chain(head, [line], lines)
            return
        comment = line


def orient(rows: list[str], columns: list[str], ids: Collection[str]) -> str:
    """Return where the samples are: by ids of the sample table, by names of probes, or on the shorter side.

    Examples
    --------
    >>> orient(["p1", "p2", "p3"], ["a", "b"], ids=["p3"]), orient(["p1", "p2", "p3"], ["a", "b"], ids=[])
    ('rows', 'columns')
    >>> orient(["p1", "p2", "p3"], ["cg00000292", "cg00002426"], ids=[])
    'rows'
    """
    by_ids = matches(rows, ids) - matches(columns, ids)
    if by_ids:
        return "rows" if by_ids > 0 else "columns"
    by_names = _probes(columns) - _probes(rows)
    if abs(by_names) > 0.5:
        return "rows" if by_names > 0 else "columns"
    return "rows" if len(columns) >= len(rows) else "columns"


def _probes(names: list[str]) -> float:
    seen = names[:200]
    return sum(PROBE.fullmatch(name) is not None for name in seen) / max(len(seen), 1)


def parse(lines: Iterable[bytes], path: Path, folder: Path) -> Draft:
    """Parse a header and rows of numbers; the values go to a file in `folder`, row after row.

    Raises
    ------
    MedgraftError
        A row has another number of fields than the header, or text where the rows above have numbers.
    """
    layout, rows = sniff(iter(lines), path)
    names: list[str] = []
    texts: list[list[str]] = [[] for _ in layout.text]
    with (folder / "parsed.f32").open("wb") as out:
        for number, piece in _pieces(rows):
            cells = []
            for i, line in enumerate(piece):
                name, rest = layout.split(line, number + i, len(names) + 1, texts)
                names.append(name)
                cells.append(rest)
            out.write(layout.numbers(cells, number).tobytes())
            if len(names) > MAX_NAMES:
                raise MedgraftError(f"'{path}' has more than {MAX_NAMES:,} rows: it is no matrix of samples.")
    if not names:
        raise MedgraftError(f"'{path}' has a header and no rows: is it cut off?")
    table = pd.DataFrame({layout.columns[j]: t for j, t in zip(layout.text, texts, strict=True)})
    wanted = [layout.columns[j] for j in layout.keep]
    return Draft(
        names, wanted, folder / "parsed.f32", clean(table) if len(texts) else table, said=layout.said
    )


def _pieces(rows: Iterator[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield runs of lines of some MiB, with the number of the first one among the rows."""
    number, size, piece = 1, 0, []
    for line in rows:
        piece.append(line)
        size += len(line)
        if size >= PIECE:
            yield number, piece
            number, size, piece = number + len(piece), 0, []
    if piece:
        yield number, piece
