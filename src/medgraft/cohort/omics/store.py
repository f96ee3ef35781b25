"""Where matrices are kept once they are read: float32 on disk, addressed by the content of their file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.limits import MAX_UNPACKED

READER = "1"  # raise it when a reader changes what it makes of a file
MAX_NAMES = 10_000_000  # samples or features; the largest methylation arrays have a million
_RATIO = 200  # a matrix may be this many times the size of its file, however large the file is
_BUFFER = 2**26
_STALE = 2 * 86400.0  # seconds

Tell = Callable[[int, int], None]


@dataclass
class Draft:
    """What a reader found: names, the sample table, and the values in a file of float32, row after row.

    Attributes
    ----------
    rows, columns : list of str
        Names along the values as they lie in the file.
    values : path
    table : DataFrame
        What is known of each sample besides the values; one row a sample, or no columns.
    samples : {"rows", "columns"}
        Where the samples are among these values.
    where : {"rows", "columns"}, optional
        Where they are in the file, if that differs.
    drop : list of int
        Columns of the values that are no features.
    said : list of str
        Warnings.
    """

    rows: list[str]
    columns: list[str]
    values: Path
    table: pd.DataFrame
    samples: str = "rows"
    where: str | None = None
    drop: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def cache_folder() -> Path:
    """Return ``$MEDGRAFT_CACHE/omics``, by default ``~/.cache/medgraft/omics``."""
    if given := os.environ.get("MEDGRAFT_CACHE"):
        return Path(given) / "omics"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "medgraft" / "omics"


def content_key(path: Path) -> str:
    """Return the name of a file's matrix in the cache: of its bytes and of the readers' version."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(f"omics {READER}".encode())
    return digest.hexdigest()[:40]


def check_shape(n: int, p: int, path: Path) -> None:
    """Refuse a matrix that no file of this size holds, or for which the disk has no room.

    Raises
    ------
    MedgraftError
        It has no samples or features, or too many.
    """
    if n < 1 or p < 1:
        raise MedgraftError(f"'{path}' has no values: a matrix needs samples and features.")
    need = 4 * n * p
    if max(n, p) > MAX_NAMES or need > max(MAX_UNPACKED, _RATIO * path.stat().st_size):
        raise MedgraftError(
            f"'{path}' promises a matrix of {n:,} x {p:,}, which is absurd for a file of its size: is it "
            "damaged?"
        )
    folder = cache_folder()
    free = shutil.disk_usage(next(f for f in (folder, *folder.parents) if f.exists())).free
    if need > free:
        raise MedgraftError(
            f"The matrix of '{path}' takes {need / 1e9:.1f} GB in the cache '{folder}', where "
            f"{free / 1e9:.1f} GB "
            "are free: make room, or set MEDGRAFT_CACHE to another folder."
        )


@contextmanager
def draft_folder(key: str) -> Iterator[Path]:
    """Make a folder to work in beside the place of the matrix; it is gone afterwards, whatever happens."""
    root = cache_folder()
    folder = root / f".{key}.{uuid.uuid4().hex[:8]}.tmp"
    try:
        for left in root.glob(".*.tmp") if root.is_dir() else ():
            if time.time() - left.stat().st_mtime > _STALE:  # of a process that was killed
                shutil.rmtree(left, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise MedgraftError(
            f"The cache '{root}' cannot be written ({error.strerror}): set MEDGRAFT_CACHE to another folder."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(draft: Draft, key: str, folder: Path, path: Path, fixed: bool) -> Path:
    """Turn a draft into a matrix of the cache, samples in rows, in one step; return its folder.

    `fixed` says that the format, and no guess, told where the samples are.
    """
    samples, features = draft.rows, draft.columns
    if draft.samples == "columns":
        samples, features = features, samples
        check_shape(len(samples), len(features), path)
        _transpose(draft.values, folder / "values.f32", len(features), len(samples))
        draft.values.unlink()
    else:
        check_shape(len(samples), len(features), path)
        if draft.drop:
            features = _drop(draft, folder / "values.f32")
            draft.values.unlink()
        else:
            draft.values.rename(folder / "values.f32")
    _refuse_twins(samples, path)
    names, twins = _unique(features)
    if twins:
        draft.said.append(
            f"{twins} features of '{path}' have a name that another one has; they were numbered ('.2', '.3')."
        )
    (folder / "features.txt").write_text("\n".join(names), encoding="utf-8")
    table = draft.table if draft.table.shape[1] else pd.DataFrame(index=range(len(samples)))
    table = table.drop(columns=[c for c in ("sample", "omics") if c in table.columns]).reset_index(drop=True)
    table.insert(0, "sample", samples)
    table.to_parquet(folder / "table.parquet", index=False)
    facts = {"n": len(samples), "p": len(names), "fixed": fixed, "said": draft.said}
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    place = cache_folder() / f"{key}-{draft.where or draft.samples}"
    for _ in range(2):
        try:
            folder.rename(place)
            return place
        except OSError:  # another process was faster, or what is there is damaged
            if load(place) is not None:
                return place
            shutil.rmtree(place, ignore_errors=True)
    raise MedgraftError(
        f"The cache '{cache_folder()}' cannot be written: set MEDGRAFT_CACHE to another folder."
    )


def load(folder: Path) -> dict[str, Any] | None:
    """Return the facts, features and sample table of a matrix in the cache, or None if it is not whole."""
    try:
        facts: dict[str, Any] = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        n, p = int(facts["n"]), int(facts["p"])
        features = (folder / "features.txt").read_text(encoding="utf-8").split("\n")
        table = pd.read_parquet(folder / "table.parquet")
        whole = (folder / "values.f32").stat().st_size == 4 * n * p
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not whole or len(features) != p or len(table) != n or "sample" not in table.columns:
        return None
    return facts | {"features": np.array(features, dtype=object), "table": table}


def _transpose(source: Path, target: Path, rows: int, columns: int) -> None:
    """Write (rows, columns) as (columns, rows), both as plain float32, in pieces of bounded size."""
    step = max(1, min(rows, _BUFFER // (4 * columns)))
    with source.open("rb") as inp, target.open("wb") as out:
        out.truncate(4 * rows * columns)
        for start in range(0, rows, step):
            k = min(step, rows - start)
            piece = np.frombuffer(inp.read(4 * k * columns), np.float32).reshape(k, columns)
            for j, column in enumerate(np.ascontiguousarray(piece.T)):
                out.seek(4 * (j * rows + start))
                out.write(column.data)


def _drop(draft: Draft, target: Path) -> list[str]:
    """Write the values without the columns to drop, which go to the table; return the other columns' "
    "names."""
    width = len(draft.columns)
    stay = np.setdiff1d(np.arange(width), draft.drop)
    taken = []
    with draft.values.open("rb") as inp, target.open("wb") as out:
        for _ in draft.rows:
            row = np.frombuffer(inp.read(4 * width), np.float32)
            taken.append(row[draft.drop])
            out.write(row[stay].tobytes())
    for name, values in zip(
        [draft.columns[j] for j in draft.drop], np.array(taken, np.float64).T, strict=True
    ):
        draft.table[name] = values
    return [draft.columns[j] for j in stay]


def _refuse_twins(samples: Sequence[str], path: Path) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample in seen:
            raise MedgraftError(
                f"The sample '{sample}' stands twice in '{path}': every sample of a matrix needs a name of "
                "its own."
            )
        seen.add(sample)


def _unique(names: Sequence[str]) -> tuple[list[str], int]:
    taken = set(names)
    if len(taken) == len(names):
        return [" ".join(name.split("\n")) for name in names], 0
    out: list[str] = []
    seen: set[str] = set()
    for name in names:
        k, new = 1, name
        while new in seen or (k > 1 and new in taken):
            k += 1
            new = f"{name}.{k}"
        seen.add(new)
        out.append(" ".join(new.split("\n")))
    return out, len(names) - len(taken)


def matches(names: Collection[str], ids: Collection[str]) -> int:
    """Return how many ids are among the names."""
    return len(set(names) & set(ids))
