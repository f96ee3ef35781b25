"""Features that are computed once: a content-addressed, memory-mapped store on disk."""

from __future__ import annotations

import hashlib
import os
import uuid
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from medgraft.base import MedgraftError

BLOCK = 256  # rows written at a time: what a kill can cost


def cache_root() -> Path:
    """Return where medgraft keeps what it can compute again.

    ``$MEDGRAFT_CACHE``, else ``$XDG_CACHE_HOME/medgraft``, else ``~/.cache/medgraft``.
    """
    if given := os.environ.get("MEDGRAFT_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "medgraft"


class FeatureStore:
    """Rows of float32 by the content of the file they were made of, one folder for each network.

    Use it for what depends on a file and a network's fingerprint alone. Rows are kept in blocks, each one
    file written in one step, so that a kill loses at most the block at work, and two processes may share a
    store. Every row carries its own checksum: a damaged one is computed again. Only hashes of files are
    kept, no names and no labels.

    Parameters
    ----------
    root : path, optional
        Folder; default :func:`cache_root`.

    Examples
    --------
    >>> import tempfile
    >>> store = FeatureStore(tempfile.mkdtemp())
    >>> store.rows("network", [b"a" * 32], 2, lambda todo, tell: np.ones((len(todo), 2)))
    array([[1., 1.]], dtype=float32)
    >>> store.rows("network", [b"a" * 32], 2, lambda todo, tell: 1 / 0)
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = cache_root() if root is None else Path(root)

    def rows(
        self,
        network: str,
        keys: Sequence[bytes],
        d: int | None,
        compute: Callable[[list[int], Callable[[int], None]], np.ndarray],
        progress: Callable[[int, int], None] | None = None,
    ) -> np.ndarray:
        """Return one row for each key, computing only those that the store lacks.

        Parameters
        ----------
        network : str
            Fingerprint of what made the rows.
        keys : sequence of bytes
            32 bytes for each row, from :func:`medgraft.cohort.digest.digest`; equal keys are computed once.
        d : int or None
            Width of a row; None: whatever is found or computed.
        compute : callable
            (places in `keys`, at most 256; a function to call with the number done) -> rows (len, d).
        progress : callable, optional
            Called with (rows done, rows in all).

        Returns
        -------
        array (n, d) of float32

        Raises
        ------
        MedgraftError
            The store's folder cannot be written.
        """
        found = self._open(self.root / "features" / network, d)
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        # In the order of the keys, so that the same images make the same blocks in any order.
        missing = sorted(key for key in first if key not in found)
        tell = progress or (lambda done, total: None)
        done = len(first) - len(missing)
        tell(done, len(first))
        for start in range(0, len(missing), BLOCK):
            block = missing[start : start + BLOCK]
            before = done + start
            rows = compute([first[key] for key in block], lambda count: tell(before + count, len(first)))  # noqa: B023
            values = np.ascontiguousarray(rows, dtype=np.float32)
            found |= self._write(self.root / "features" / network, block, values)
            tell(before + len(block), len(first))
        return np.stack([found[key] for key in keys]) if len(keys) else np.empty((0, d or 0), np.float32)

    def _open(self, folder: Path, d: int | None) -> dict[bytes, np.ndarray]:
        """Map every readable block, and index its sound rows."""
        found: dict[bytes, np.ndarray] = {}
        for path in sorted(folder.glob("*.npy")):
            try:
                block = np.load(path, mmap_mode="r", allow_pickle=False)
                if block.dtype.names != ("key", "check", "row") or (
                    d is not None and block["row"].shape[1:] != (d,)
                ):
                    continue
                rows = block["row"]
                for row, key, check in zip(rows, block["key"], block["check"], strict=True):
                    if zlib.crc32(row.tobytes(), zlib.crc32(key.tobytes())) == check:
                        found[key.tobytes()] = row
            except (OSError, ValueError, EOFError, IndexError):
                continue  # torn or foreign: as if it were not there
        return found

    def _write(self, folder: Path, keys: list[bytes], values: np.ndarray) -> dict[bytes, np.ndarray]:
        """Write a block beside the others in one step."""
        kind = np.dtype([("key", "u1", (32,)), ("check", "u4"), ("row", "f4", (values.shape[1],))])
        block = np.zeros(len(keys), kind)
        block["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 32)
        block["row"] = values
        block["check"] = [zlib.crc32(v.tobytes(), zlib.crc32(k)) for k, v in zip(keys, values, strict=True)]
        name = hashlib.sha256(b"".join(keys)).hexdigest()[:32]
        partial = folder / f"{name}.{uuid.uuid4().hex}.tmp"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                np.save(file, block)
            partial.replace(folder / f"{name}.npy")
        except OSError as error:
            raise MedgraftError(
                f"The feature cache '{self.root}' cannot be written ({error.strerror}): free some "
                "space, or set MEDGRAFT_CACHE to another folder."
            ) from error
        return {key: block["row"][i] for i, key in enumerate(keys)}
