"""From a file to its matrix in the cache, by the file's content."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError
from medgraft.cohort.media import first_line
from medgraft.cohort.omics import delimited, h5ad, parquet, series_matrix, store


def cached(
    path: Path, orientation: str, ids: frozenset[str], progress: store.Tell | None
) -> tuple[Path, dict[str, Any]]:
    """Return the folder of a file's matrix and what `store.load` says of it, reading the file if need be."""
    stat = path.stat()
    key = _key(str(path.absolute()), stat.st_mtime_ns, stat.st_size)
    root = str(store.cache_folder())
    folder = _find(root, key, orientation, ids) or _read(path, key, orientation, ids, progress)
    facts = _facts(str(folder))
    if facts is None:
        raise MedgraftError(f"The cached matrix '{folder}' is damaged: delete this folder.")
    return folder, facts


@lru_cache(maxsize=64)
def _key(path: str, changed: int, size: int) -> str:
    return store.content_key(Path(path))


@lru_cache(maxsize=4)
def _facts(folder: str) -> dict[str, Any] | None:
    return store.load(Path(folder))


def _find(root: str, key: str, orientation: str, ids: frozenset[str]) -> Path | None:
    """Return the folder of a matrix in the cache that has its samples where they are wanted."""
    for samples in ("rows", "columns"):
        folder = Path(root) / f"{key}-{samples}"
        if not folder.exists():
            continue
        facts = _facts(str(folder))
        if facts is None:
            continue
        names = [str(s) for s in facts["table"]["sample"]]
        if facts["fixed"] or orientation == samples:
            return folder
        if orientation == "auto":
            features = facts["features"].tolist()
            rows, columns = (names, features) if samples == "rows" else (features, names)
            if delimited.orient(rows, columns, ids) == samples:
                return folder
    return None


def _read(path: Path, key: str, orientation: str, ids: frozenset[str], progress: store.Tell | None) -> Path:
    reader, fixed = _reader(path)
    try:
        with store.draft_folder(key) as folder:
            draft = reader(path, folder, progress, orientation, ids)
            made = store.keep(draft, key, folder, path, fixed)
    except MedgraftError:
        raise
    except OSError as error:
        if error.errno == 28:
            raise MedgraftError(
                f"The disk of the cache '{store.cache_folder()}' is full: make room, or set MEDGRAFT_CACHE "
                "to "
                "another folder."
            ) from error
        raise _damaged(path, error) from error
    except Exception as error:  # parsers of arbitrary bytes fail in every way there is
        raise _damaged(path, error) from error
    _facts.cache_clear()
    return made


def _damaged(path: Path, error: Exception) -> MedgraftError:
    return MedgraftError(
        f"The matrix '{path}' cannot be read ({first_line(error)}): is it damaged, or of another format?"
    )


def _reader(path: Path) -> tuple[Any, bool]:
    """Return the reader for a file's content, and whether the format says where the samples are."""
    with path.open("rb") as file:
        start = file.read(8)
    if start == h5ad.MAGIC:
        return h5ad.read, True
    if start.startswith(parquet.MAGIC):
        return parquet.read, False
    if series_matrix.is_series_matrix(path):
        return series_matrix.read, True
    return delimited.read, False
