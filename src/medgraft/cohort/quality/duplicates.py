"""Images that are there twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.quality.arrays import Array, check, grey
from medgraft.cohort.quality.report import Report


def drop_duplicates(items: Sequence[Array] | NDArray[np.uint64], max_bits: int | None = None) -> Report:
    """Return which images to keep so that none is a copy of another: the first of each set of copies.

    Use it on arrays or hashes; for a cohort with files use :func:`~medgraft.cohort.quality.cohort.drop`,
    which also confirms near copies by their correlation. A hash alone takes images of one plain motif for
    copies.

    Parameters
    ----------
    items : sequence of images, or ndarray of uint64 (n,)
        Images of any sizes, or hashes such as :func:`difference_hash` gives.
    max_bits : int, optional
        Two are copies when their hashes differ in at most so many of 64 bits. By default images are copies
        when they are equal to the last bit, and hashes when they are equal.

    Returns
    -------
    Report
        A row is dropped when it is a copy of an earlier row that is kept.

    Raises
    ------
    MedgraftError
        An item is no image, or `max_bits` is not from 0 to 64.

    Notes
    -----
    Exact copies O(n); near ones by :func:`medgraft.cohort.audit.near_pairs`, seconds for 100,000.

    Examples
    --------
    >>> a, b = np.zeros((4, 4), np.uint8), np.eye(4, dtype=np.uint8)
    >>> drop_duplicates([a, b, a.copy()]).dropped
    ((2, 'it is a copy of row 0'),)
    """
    if max_bits is not None and not 0 <= max_bits <= 64:
        raise MedgraftError(f"drop_duplicates needs max_bits from 0 to 64, not {max_bits}.")
    keys: list[Any]
    if isinstance(items, np.ndarray) and items.dtype == np.uint64 and items.ndim == 1:
        keys = items.tolist()
    elif max_bits is None:
        keys = [_digest(image) for image in items]
    else:
        keys = [difference_hash(image) for image in items]
    if not max_bits:
        return first_of_each(len(keys), _equal(keys), "it is a copy")
    from medgraft.cohort.audit.neighbours import near_pairs

    return first_of_each(len(keys), near_pairs(np.array(keys, np.uint64), max_bits), "it is nearly a copy")


def first_of_each(n: int, pairs: Any, reason: str) -> Report:
    """Return the report that drops a row where an earlier row that is kept is paired with it.

    Parameters
    ----------
    n : int
    pairs : sequence of (int, int)
    reason : str
        To which " of row K" is added.
    """
    twins: dict[int, list[int]] = {}
    for i, j in np.sort(np.asarray(pairs, dtype=int).reshape(-1, 2), axis=1).tolist():
        twins.setdefault(j, []).append(i)
    dropped: dict[int, int] = {}
    for j in sorted(twins):
        kept = [i for i in twins[j] if i not in dropped]
        if kept:
            dropped[j] = min(kept)
    return Report(
        tuple(i for i in range(n) if i not in dropped),
        tuple((j, f"{reason} of row {i}") for j, i in dropped.items()),
    )


def difference_hash(image: Array) -> int:
    """Return 64 bits that say where an image gets brighter from left to right, on 9 x 8 grey pixels.

    It survives a change of size, brightness, contrast and compression, but no turn, mirroring or crop.

    Examples
    --------
    >>> ramp = np.tile(np.arange(90, dtype=np.uint8), (80, 1))
    >>> difference_hash(ramp) == difference_hash(ramp // 2 + 100) == 2**64 - 1
    True
    """
    from PIL import Image

    check(image, "difference_hash")
    whole = Image.fromarray(np.rint(255 * grey(image)).astype(np.uint8))
    values = np.asarray(whole.resize((9, 8), Image.Resampling.BOX)).astype(int)
    return int.from_bytes(np.packbits(values[:, 1:] > values[:, :-1]).tobytes(), "big")


def _digest(image: Array) -> bytes:
    check(image, "drop_duplicates")
    content = f"{image.dtype} {image.shape}".encode() + np.ascontiguousarray(image).tobytes()
    return hashlib.sha256(content).digest()


def _equal(keys: Sequence[Any]) -> list[tuple[int, int]]:
    first: dict[Any, int] = {}
    return [(first[key], j) for j, key in enumerate(keys) if first.setdefault(key, j) != j]
