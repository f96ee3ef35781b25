"""Excel workbooks."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register, starts_with
from medgraft.cohort.formats.text import MISSING, clean

_MAX_BYTES = 2**30  # a workbook that unpacks to more is no table of patients but an attack or a mistake


def matches(path: Path) -> bool:
    """Whether a file is a workbook: a zip archive with Excel's main part inside."""
    if not path.is_file() or not starts_with(path, b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return the first sheet, with the values that Excel last computed for its formulas."""
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
            raise MedgraftError(
                f"The workbook '{path}' unpacks to more than 1 GiB: save the table as .parquet."
            )
    with pd.ExcelFile(path, engine="openpyxl") as book:
        sheets = book.sheet_names
        if len(sheets) > 1:
            say(f"The workbook has {len(sheets)} sheets; the first, '{sheets[0]}', was read.")
        frame = pd.read_excel(book, sheet_name=sheets[0], keep_default_na=False, na_values=list(MISSING))
    return clean(frame)


FORMAT = register(Format("xlsx", (".xlsx",), matches, read))
