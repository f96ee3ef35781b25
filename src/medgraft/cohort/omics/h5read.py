"""AnnData files (.h5ad), old and new encodings: values by blocks, obs as a table; nothing is unpickled.

Run as a module in a process of its own by :mod:`medgraft.cohort.omics.h5ad`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import first_line
from medgraft.cohort.omics.h5table import attribute, index_of, node, read_table
from medgraft.cohort.omics.store import Draft, Tell, check_shape

_BYTES = 2**26  # of dense values handled at a time
_MAX_CHUNK = 2**28  # bytes of one compressed piece


def read_here(path: Path, folder: Path, tell: Tell) -> Draft:
    """Read an AnnData file in this process: samples are its rows, always.

    The HDF5 library can hang or crash on damaged files, and then this process does.
    """
    import h5py

    with h5py.File(path, "r") as file:
        samples, features = index_of(file, "obs", path), index_of(file, "var", path)
        table, said = read_table(file, "obs", len(samples), path)
        shape = (len(samples), len(features))
        check_shape(*shape, path)
        matrix = node(file, "X", path)
        tell(0, 1)
        with (folder / "read.f32").open("wb") as out:
            if hasattr(matrix, "keys"):
                _sparse(matrix, shape, out, path, tell)
            else:
                _dense(matrix, shape, out, path, tell)
        others = [k for k in ("layers", "raw") if k in file and len(getattr(file[k], "keys", tuple)())]
    if others:
        said.append(f"Of '{path}' the values of X were read; it also holds {' and '.join(others)}.")
    return Draft(samples, features, folder / "read.f32", table, "rows", said=said)


def _dense(matrix: Any, shape: tuple[int, int], out: Any, path: Path, tell: Tell) -> None:
    if matrix.shape is None:
        raise MedgraftError(f"'{path}' has no values: its X is empty.")
    if tuple(matrix.shape) != shape:
        raise MedgraftError(
            f"'{path}' says {shape[0]} samples and {shape[1]} features, but its X is {matrix.shape}: is it "
            "damaged?"
        )
    _numeric(matrix, path)
    step = max(1, _BYTES // (8 * shape[1]))
    if matrix.chunks:  # whole pieces: each is unpacked once
        step = max(matrix.chunks[0], step // matrix.chunks[0] * matrix.chunks[0])
    if step * shape[1] * 8 > 4 * _MAX_CHUNK:
        raise MedgraftError(
            f"'{path}' is stored in pieces too large to read: store it again with smaller chunks."
        )
    for start in range(0, shape[0], step):
        block = np.asarray(matrix[start : start + step], dtype=np.float32)
        out.write(np.where(np.isinf(block), np.float32(np.nan), block).tobytes())
        tell(min(start + step, shape[0]), shape[0])


def _sparse(group: Any, shape: tuple[int, int], out: Any, path: Path, tell: Tell) -> None:
    kind = attribute(group, "encoding-type", "h5sparse_format")
    kind = kind.removesuffix("_matrix") if isinstance(kind, str) else kind
    told = attribute(group, "shape", "h5sparse_shape")
    if kind not in ("csr", "csc"):
        raise MedgraftError(f"'{path}' stores its X as '{kind}': medgraft reads dense, csr and csc matrices.")
    if told is None or tuple(int(k) for k in np.ravel(told)) != shape:
        raise MedgraftError(
            f"'{path}' says {shape[0]} samples and {shape[1]} features, its X another size: is it damaged?"
        )
    data, indices, pointers = (node(group, key, path) for key in ("data", "indices", "indptr"))
    _numeric(data, path)
    _numeric(indices, path)
    if kind == "csr":
        for start, block in _slices(data, indices, pointers, shape, path):
            out.write(block.tobytes())
            tell(start + len(block), shape[0])
        return
    out.truncate(4 * shape[0] * shape[1])
    for start, block in _slices(data, indices, pointers, (shape[1], shape[0]), path):
        for i, column in enumerate(np.ascontiguousarray(block.T)):
            out.seek(4 * (i * shape[1] + start))
            out.write(column.data)
        tell(start + len(block), shape[1])


def _slices(data: Any, indices: Any, pointers: Any, shape: tuple[int, int], path: Path) -> Any:
    """Yield dense blocks of the rows of a CSR matrix (of the columns of a CSC one)."""
    from scipy.sparse import csr_matrix

    damaged = MedgraftError(
        f"The sparse matrix of '{path}' contradicts itself: the file is damaged, get it again."
    )
    if pointers.shape != (shape[0] + 1,) or data.shape != indices.shape or len(data.shape) != 1:
        raise damaged
    starts = np.asarray(pointers[()]).astype(np.int64)
    if starts[0] != 0 or starts[-1] != data.shape[0] or (np.diff(starts) < 0).any():
        raise damaged
    if (np.diff(starts) > shape[1]).any():
        raise damaged
    step = max(1, _BYTES // (4 * shape[1]))
    for start in range(0, shape[0], step):
        stop = min(start + step, shape[0])
        low, high = int(starts[start]), int(starts[stop])
        where: NDArray[np.int64] = np.asarray(indices[low:high]).astype(np.int64)
        if len(where) and (where.min() < 0 or where.max() >= shape[1]):
            raise damaged
        values = np.asarray(data[low:high], dtype=np.float32)
        size = (stop - start, shape[1])
        block = np.asarray(
            csr_matrix((values, where, starts[start : stop + 1] - low), size).toarray(), np.float32
        )
        yield start, np.where(np.isinf(block), np.float32(np.nan), block)


def _numeric(dataset: Any, path: Path) -> None:
    if not hasattr(dataset, "dtype") or dataset.dtype.kind not in "fiub":
        raise MedgraftError(f"The values of '{path}' are no plain numbers: store X as numbers.")
    if dataset.chunks and int(np.prod(dataset.chunks, dtype=object)) * dataset.dtype.itemsize > _MAX_CHUNK:
        raise MedgraftError(
            f"'{path}' is stored in pieces too large to read: store it again with smaller chunks."
        )


def main(path: str, folder: str) -> None:
    """Read a file into a folder; tell progress and the outcome on standard output, a line each."""

    def say(**what: object) -> None:
        print(json.dumps(what), flush=True)

    _limit_memory()
    try:
        draft = read_here(Path(path), Path(folder), lambda done, total: say(done=done, total=total))
        draft.table.to_parquet(Path(folder) / "draft.parquet", index=False)
        names = {"rows": draft.rows, "columns": draft.columns}
        (Path(folder) / "names.json").write_text(json.dumps(names), encoding="utf-8")
    except MedgraftError as error:
        say(error=str(error))
    except Exception as error:  # parsers of arbitrary bytes fail in every way there is
        say(reason=first_line(error))
    else:
        say(said=draft.said, width=draft.table.shape[1])


def _limit_memory() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2**33, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, ValueError, OSError):
        return  # not on this system: the limits on what a header may promise remain


if __name__ == "__main__":
    main(*sys.argv[1:3])
