"""Tables inside HDF5 files as AnnData has written them over the years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.omics.store import MAX_NAMES

_MAX_COLUMNS = 2000
_MAX_CELLS = 2**27  # of a whole table


def node(group: Any, key: str, path: Path) -> Any:
    """Return a group or dataset of a file; never one that lies in another file.

    Raises
    ------
    MedgraftError
        It is absent, or a link out of the file.
    """
    import h5py  # type: ignore[import-untyped]

    for part in key.split("/"):
        if part not in group:
            raise MedgraftError(f"'{path}' has no '{key}': it is no AnnData file, or damaged.")
        if isinstance(group.get(part, getlink=True), h5py.ExternalLink):
            raise MedgraftError(
                f"'{path}' refers to another file for '{key}', which is not followed: merge them."
            )
        group = group[part]
    if isinstance(group, h5py.Dataset) and (group.is_virtual or group.external):
        raise MedgraftError(
            f"'{path}' refers to another file for '{key}', which is not followed: merge them."
        )
    return group


def attribute(group: Any, *keys: str) -> Any:
    """Return the first of several attributes that is there, texts as str, or None."""
    for key in keys:
        if key in group.attrs:
            value = group.attrs[key]
            return value.decode() if isinstance(value, bytes) else value
    return None


def index_of(file: Any, name: str, path: Path) -> list[str]:
    """Return the names of the samples (``obs``) or features (``var``)."""
    table = node(file, name, path)
    if hasattr(table, "keys"):  # a group of columns
        return _texts(node(table, str(attribute(table, "_index") or "_index"), path), path)
    fields = table.dtype.names
    if not fields or len(table.shape) != 1:
        raise MedgraftError(f"The '{name}' of '{path}' is no table: is it an AnnData file?")
    check_length(table, path)
    key = next((k for k in ("index", "_index") if k in fields), fields[0])
    return [_text(v) for v in table[key].tolist()]


def read_table(file: Any, name: str, n: int, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns of a table, (n, columns), without its index; and warnings."""
    table = node(file, name, path)
    if not hasattr(table, "keys"):
        return _compound(file, table, name, path), []
    index = str(attribute(table, "_index") or "_index")
    keys = [k for k in table if k not in (index, "__categories")]
    order = attribute(table, "column-order")
    if order is not None:
        wanted = [_text(k) for k in np.ravel(order).tolist()]
        keys = [k for k in wanted if k in keys] + [k for k in keys if k not in wanted]
    if len(keys) > _MAX_COLUMNS or len(keys) * n > _MAX_CELLS:
        raise MedgraftError(f"'{path}' has {len(keys)} columns about its samples: is it damaged?")
    columns: dict[str, Any] = {}
    left_out = []
    for key in keys:
        values = _column(table, key, path)
        if values is None:
            left_out.append(key)
        elif len(values) != n:
            raise MedgraftError(
                f"The column '{key}' of '{path}' has {len(values)} values for {n} samples: is it damaged?"
            )
        else:
            columns[key] = values
    said = [
        f"The columns {', '.join(map(repr, left_out))} of '{path}' hold no plain values and are not used."
    ]
    return pd.DataFrame(columns, index=range(n)), said if left_out else []


def _column(table: Any, key: str, path: Path) -> Any:
    item = node(table, key, path)
    if hasattr(item, "keys"):
        kind = attribute(item, "encoding-type")
        if kind == "categorical":
            return _decode(node(item, "codes", path), node(item, "categories", path), path)
        if kind in ("nullable-integer", "nullable-boolean", "nullable-string-array"):
            values, mask = node(item, "values", path), node(item, "mask", path)
            column = pd.Series(_plain(values, path), dtype=object)
            hidden = np.asarray(_plain(mask, path)).astype(bool)
            column[hidden] = None if kind.endswith("array") else np.nan
            return column.infer_objects()
        return None
    categories = attribute(item, "categories")
    if categories is not None:  # anndata 0.7: a reference to the categories
        return _decode(item, node(table, f"__categories/{key}", path), path)
    return _plain(item, path) if len(item.shape) == 1 else None


def _compound(file: Any, table: Any, name: str, path: Path) -> pd.DataFrame:
    """Read a table as anndata wrote it before 0.7: rows of fields, categories in ``uns``."""
    check_length(table, path)
    fields = table.dtype.names
    index = next((k for k in ("index", "_index") if k in fields), fields[0])
    columns: dict[str, Any] = {}
    for key in fields:
        if key == index:
            continue
        values = table[key]
        if "uns" in file and f"{key}_categories" in node(file, "uns", path) and values.dtype.kind in "iu":
            columns[key] = _lookup(values, _texts(node(file, f"uns/{key}_categories", path), path), path)
        else:
            columns[key] = _python(values)
    return pd.DataFrame(columns, index=range(table.shape[0]))


def _decode(codes: Any, categories: Any, path: Path) -> Any:
    return _lookup(np.asarray(_plain(codes, path)), list(_plain(categories, path)), path)


def _lookup(codes: Any, categories: list[Any], path: Path) -> Any:
    codes = codes.astype(np.int64)
    if len(codes) and (codes.max() >= len(categories) or codes.min() < -1):
        raise MedgraftError(
            f"A categorical column of '{path}' names a category that is not there: is it damaged?"
        )
    column = pd.Series([None if c < 0 else categories[c] for c in codes.tolist()], dtype=object)
    return column.infer_objects()


def _texts(dataset: Any, path: Path) -> list[str]:
    return [_text(v) for v in _plain(dataset, path)]


def check_length(dataset: Any, path: Path) -> None:
    """Refuse a column whose header promises more than there can be."""
    if not hasattr(dataset, "shape") or dataset.shape is None or len(dataset.shape) != 1:
        raise MedgraftError(f"'{path}' has a table whose columns are no lists: is it damaged?")
    if dataset.shape[0] > MAX_NAMES or dataset.dtype.itemsize > 2**16 or dataset.nbytes > 2**31:
        raise MedgraftError(
            f"'{path}' promises {dataset.shape[0]:,} names, more than there can be: is it damaged?"
        )
    if dataset.chunks and dataset.chunks[0] * dataset.dtype.itemsize > 2**30:
        raise MedgraftError(
            f"'{path}' is stored in pieces too large to read: store it again with smaller chunks."
        )


def _plain(dataset: Any, path: Path) -> Any:
    check_length(dataset, path)
    return _python(dataset[()])


def _python(values: Any) -> Any:
    """Return numbers as they are and texts as str; anything else is refused by its absence of meaning."""
    if values.dtype.kind in "fiub":
        return values
    return [_text(v) for v in values.tolist()]


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
