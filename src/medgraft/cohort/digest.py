"""Checksums of the samples that a cohort's table points to."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import walk
from medgraft.cohort.formats.wfdb_files import files_of
from medgraft.cohort.ref import Ref


def digest(cell: Any) -> bytes:
    """Return a checksum of what a reference means: the bytes of its file, or files, and the part."""
    if pd.isna(cell):
        return b"missing"
    ref = Ref.parse(str(cell))
    whole = _file_digest(ref.path, _changed(Path(ref.path)))
    if not ref.parts:
        return whole
    return hashlib.sha256(whole + json.dumps(ref.parts, sort_keys=True).encode()).digest()


def sample_digest(kind: str, cell: Any) -> bytes:
    """Return a checksum of a sample of a kind: of a sequence its letters, else what :func:`digest` gives."""
    if kind == "sequence" and not pd.isna(cell):
        return hashlib.sha256(str(cell).upper().encode()).digest()
    return digest(cell)


def _changed(path: Path) -> int:
    """When a file, or one that it names, changed last."""
    files = [path, *files_of(path)] if path.is_file() else [path]
    return max((file.stat().st_mtime_ns for file in files if file.exists()), default=0)


@lru_cache(maxsize=256)
def _file_digest(path: str, changed: int) -> bytes:
    """Return the SHA-256 of a file; many references may be to parts of one."""
    try:
        if Path(path).is_dir():
            inside = [_file_digest(str(file), changed) for file in walk(Path(path))]
            return hashlib.sha256(b"".join(inside)).digest()
        own, *beside = [_bytes_digest(file) for file in (Path(path), *files_of(Path(path)))]
        return hashlib.sha256(b"".join([own, *beside])).digest() if beside else own
    except OSError as error:
        raise MedgraftError(f"'{path}' cannot be read ({error.strerror}): check the path.") from error


def _bytes_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
