"""Radiomic features of many files, computed once and kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.digest import digest
from medgraft.cohort.media import Volume, open_sample
from medgraft.sources.radiomics.source import Radiomics
from medgraft.sources.store import FeatureStore


def radiomic_rows(
    source: Radiomics,
    kind: str,
    cells: Sequence[str],
    masks: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Return the features (n, p) of images or volumes, in the order of `source.names`.

    Parameters
    ----------
    source : Radiomics
    kind : {"image", "volume"}
    cells : sequence of str (n,)
        References, as in a cohort's table.
    masks : sequence of str (n,), optional
        References to masks, for ``region="mask"``.
    progress : callable, optional
        Called with (done, total).

    Raises
    ------
    MedgraftError
        A file cannot be decoded, or its mask does not fit; the message names it.
    """
    # A file may be read as an image and as a volume, and its features differ.
    keys = [hashlib.sha256(kind.encode() + digest(cell)).digest() for cell in cells]
    if masks is not None:
        keys = [hashlib.sha256(k + digest(m)).digest() for k, m in zip(keys, masks, strict=True)]

    def one(i: int) -> list[float]:
        sample = open_sample(kind, cells[i])
        spacing = sample.spacing if isinstance(sample, Volume) else None
        grid = sample.values if isinstance(sample, Volume) else sample.convert("L")  # type: ignore[attr-defined]
        values = np.asarray(grid, dtype=np.float64)
        mask = None if masks is None else np.asarray(open_sample("mask", masks[i])) != 0
        try:
            return list(source.features(values, mask, spacing).values())
        except MedgraftError as error:
            raise MedgraftError(f"'{cells[i]}': {error}") from error

    def compute(places: list[int], tell: Callable[[int], None]) -> NDArray[np.float32]:
        rows = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for done, row in enumerate(pool.map(one, places), 1):
                rows.append(row)
                tell(done)
        return np.asarray(rows, dtype=np.float32)

    return FeatureStore().rows(source.fingerprint(), keys, None, compute, progress)
