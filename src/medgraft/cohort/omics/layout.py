"""What a text file of a matrix looks like: delimiter, names, which columns are numbers; and the parser of a "
"piece."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats.text import MISSING
from medgraft.cohort.omics.lines import text

PIECE = 2**23  # bytes of text parsed at a time
_SNIFF = 20  # rows that tell which columns are text
_MAX_TEXT = 200  # columns of text beside the values
_DELIMITERS = (b"\t", b",", b";")  # a blank only where there is none of these
_IDENTIFIER = re.compile(
    r"(?i)|unnamed.*|index|ids?|.*[_ .]id|samples?|names?|id_?ref|target_?id|barcode|rownames|row\.names"
    r"|(cpg|cg|probe|gene|ilmn|ensembl|transcript|feature)[_ .]?(ids?|names?|symbols?)?|.*probe_?id"
)
# Names that arrays, genome builds and registries give; a column of them is never one of samples.
PROBE = re.compile(
    r"cg\d{6,}(_.*)?|ch\.[\dXY].*|rs\d{3,}|ENS[A-Z]*[GTPE]\d{6,}(\.\d+)?|ILMN_\d+|.+_at|(hsa|mmu)-.+|[NX][MR]_\d+"
)
_PVALUES = re.compile(r"(?i).*detection[ _.-]?p.*")


class Layout:
    """What the header and first rows tell: delimiter, names, and which columns are what."""

    def __init__(self, path: Path, delimiter: bytes, columns: list[str], named: bool, surplus: bool) -> None:
        self.path, self.delimiter, self.columns = path, delimiter, columns
        self.named = named  # whether the first field of a row is its name
        self.surplus = surplus  # whether rows end with a delimiter that ends nothing
        self.text: list[int] = []
        self.keep: list[int] = list(range(len(columns)))
        self.comma = False
        self.said: list[str] = []

    def fields(self, line: bytes) -> list[str]:
        """Return the fields of a line."""
        return fields(line, self.delimiter)

    def split(self, line: bytes, number: int, count: int, texts: list[list[str]]) -> tuple[str, bytes]:
        """Return a row's name and its cells, with the cells of text taken out."""
        expected = len(self.columns) + self.named + self.surplus
        if b'"' in line and (line.count(self.delimiter) != expected - 1 or self.delimiter == b" "):
            line = self.delimiter.join(f.replace('"', "").encode() for f in self.fields(line))
        if self.delimiter == b" ":
            line = b" ".join(line.split())
        found = line.count(self.delimiter) + 1
        if found != expected:
            raise MedgraftError(
                f"Row {number} of '{self.path}' has {found} fields where its header makes {expected}: is the "
                "file "
                "cut off or damaged?"
            )
        if b'"' in line:
            line = line.replace(b'"', b"")
        if self.surplus:
            line = line[: -len(self.delimiter)]
        name, rest = f"row {count}", line
        if self.named:
            first, _, rest = line.partition(self.delimiter)
            name = text(first).strip() or name
        if self.text:
            cells = rest.split(self.delimiter)
            for j, into in zip(self.text, texts, strict=True):
                into.append(text(cells[j]))
                cells[j] = b""
            rest = self.delimiter.join(cells)
        return name, rest

    def numbers(self, rows: list[bytes], number: int) -> NDArray[np.float32]:
        """Return the values of some rows, (rows, kept columns); infinite ones are missing."""
        joined = self.delimiter.join(rows).replace(self.delimiter, b"\n")
        if self.comma:
            joined = joined.replace(b",", b".")
        try:
            flat = floats(joined + b"\n")  # the last cell may be empty
        except (ValueError, TypeError, OverflowError) as error:
            raise self._no_number(rows, number) from error
        if len(flat) != len(rows) * len(self.columns):
            raise MedgraftError(
                f"The rows from {number} on of '{self.path}' are damaged: get the file again."
            )
        values = flat.reshape(len(rows), len(self.columns))
        if len(self.keep) != len(self.columns):
            values = values[:, self.keep]
        if np.isinf(values).any():
            values = np.where(np.isinf(values), np.float32(np.nan), values)
            sentence = f"'{self.path}' holds infinite values; they are taken to be missing."
            self.said += [sentence] if sentence not in self.said else []
        return np.ascontiguousarray(values)

    def _no_number(self, rows: list[bytes], number: int) -> MedgraftError:
        for i, row in enumerate(rows):
            for name, cell in zip(self.columns, row.split(self.delimiter), strict=False):
                if not is_value(text(cell).replace(",", ".") if self.comma else text(cell)):
                    return MedgraftError(
                        f"Row {number + i} of '{self.path}' has '{text(cell)[:40]}' in the column "
                        f"'{name[:60]}' "
                        "where numbers stand above it: a matrix holds numbers only, so mend the cell or move "
                        "the "
                        "column to the table of samples."
                    )
        return MedgraftError(f"The rows from {number} on of '{self.path}' hold something that is no number.")


def fields(line: bytes, delimiter: bytes) -> list[str]:
    """Return the fields of a line, honouring quotes."""
    if delimiter == b" ":
        line = b" ".join(line.split())
    plain = text(line)
    if '"' not in plain:
        return plain.split(delimiter.decode())
    csv.field_size_limit(2**27)
    return next(csv.reader([plain], delimiter=delimiter.decode()), [])


def is_value(cell: str) -> bool:
    """Whether a cell is a number or stands for a missing one."""
    cell = cell.strip()
    if cell in MISSING:
        return True
    if "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def floats(column: bytes) -> NDArray[np.float32]:
    """Parse numbers, one a line."""
    frame = pd.read_csv(
        io.BytesIO(column),
        sep="\x01",
        header=None,
        names=["x"],
        index_col=False,
        dtype=np.float32,
        na_values=list(MISSING),
        keep_default_na=False,
        skip_blank_lines=False,
        skipinitialspace=True,
        quoting=csv.QUOTE_NONE,
        encoding="latin-1",
        low_memory=False,
    )
    return frame["x"].to_numpy()


def sniff(lines: Iterator[bytes], path: Path) -> tuple[Layout, Iterator[bytes]]:
    """Return what the header and the first rows tell, and all rows."""
    first = next(lines, None)
    if first is None:
        raise MedgraftError(f"'{path}' is empty: a matrix needs a header line and rows.")
    delimiter = delimiter_of(first)
    header = [name.strip() for name in fields(first, delimiter)]
    sniffed, size = [], 0
    for line in islice(lines, _SNIFF):
        sniffed.append(line)
        size += len(line)
        if size > PIECE:
            break
    rows = [fields(line, delimiter) for line in sniffed]
    if not rows:
        raise MedgraftError(f"'{path}' has a header and no rows: is it cut off?")
    surplus = len(rows[0]) - len(header)
    ends = surplus == 1 and all(row[-1].strip() == "" for row in rows)
    if header[-1] == "" and surplus == 0 and all(row[-1].strip() == "" for row in rows) and len(header) > 2:
        header, ends = header[:-1], True
    if surplus == 1 and not ends:
        named, columns = True, header
    else:
        named = _named(header[0], [row[0].strip() for row in rows])
        columns = header[1:] if named else header
    if not columns:
        raise MedgraftError(f"'{path}' has one column only: a matrix has samples and features.")
    layout = Layout(path, delimiter, columns, named, ends)
    cells = [[c.strip() for c in row[int(named) : int(named) + len(columns)]] for row in rows]
    if delimiter != b",":
        layout.comma = any("," in c and is_value(c.replace(",", ".")) for row in cells for c in row)
    layout.text = _text_columns(cells, layout)
    left_out = [j for j, name in enumerate(columns) if _PVALUES.fullmatch(name) and j not in layout.text]
    if left_out:
        layout.said.append(f"{len(left_out)} columns of detection p-values of '{path}' are not used.")
    skip = {*layout.text, *left_out}
    layout.keep = [j for j in range(len(columns)) if j not in skip]
    if not layout.keep:
        raise MedgraftError(f"'{path}' holds no column of numbers: it is no matrix of samples and features.")
    return layout, chain(sniffed, lines)


def delimiter_of(line: bytes) -> bytes:
    """Return the delimiter that makes the most fields; a blank only where there is no other."""
    best = max(_DELIMITERS, key=line.count)
    return best if best in line else b" " if len(line.split()) > 1 else b","


def _named(header: str, cells: list[str]) -> bool:
    """Whether the first column names the rows: by its own name, or because it holds no measurements."""
    if _IDENTIFIER.fullmatch(header) or not all(is_value(c) for c in cells):
        return True
    return not PROBE.fullmatch(header) and len(set(cells)) == len(cells) and all(c.isdigit() for c in cells)


def _text_columns(rows: list[list[str]], layout: Layout) -> list[int]:
    width = len(layout.columns)
    found = set()
    for row in rows:
        for j, cell in enumerate(row[:width]):
            if j not in found and not is_value(cell.replace(",", ".") if layout.comma else cell):
                found.add(j)
    if len(found) > min(_MAX_TEXT, width - 1):
        j = min(found)
        raise MedgraftError(
            f"'{layout.path}' holds text in {len(found)} of its {width} columns, such as "
            f"'{layout.columns[j][:40]}': it is no matrix of numbers."
        )
    return sorted(found)
