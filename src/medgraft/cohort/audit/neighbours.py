"""Which of many hashes differ in few bits: exact, and fast enough for a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.intp]

_BLOCK = 1 << 17  # comparisons at a time: what fits into a core's own cache
_LIMIT = 1_000_000
# A bucket comparison gathers its operands from all over memory; a blocked one streams.
_SCATTER = 12


def near_pairs(
    hashes: NDArray[np.uint64],
    max_bits: int,
    other: NDArray[np.uint64] | None = None,
    limit: int = _LIMIT,
) -> Pairs:
    r"""Return all pairs of hashes that differ in at most `max_bits` bits.

    Use it to find candidates for near copies among hashes whose distance grows with unlikeness. Not for
    large distances in a crowd: the pairs themselves become many, and the search ends at `limit`.

    All pairs :math:`(i, j)` with :math:`\mathrm{popcount}(a_i \oplus b_j) \le k` are found. By the pigeonhole
    principle two such hashes agree in at least one of any :math:`k + 1` disjoint groups of bits, so only
    hashes with an equal group are compared (Norouzi, Punjani, Fleet 2012, doi:10.1109/CVPR.2012.6248043);
    where that would compare more than all pairs would, all are compared, in blocks.

    Parameters
    ----------
    hashes : array of uint64, (n,) or (n, w)
        One hash of 64 w bits a row.
    max_bits : int
    other : array of uint64, (m,) or (m, w), optional
        Pairs between the two sets instead of pairs within one.
    limit : int, default 1000000
        Equal hashes are put together first. Where they make more pairs than this, each is paired with the
        first of its equals only, which keeps clusters as they are; and no more different pairs than this are
        looked for.

    Returns
    -------
    ndarray of intp, (pairs, 2)
        Sorted; within one set the smaller index stands first.

    Notes
    -----
    Time: 100,000 random hashes of 64 bits and ``max_bits=8`` take about 5 seconds on one core; see
    ``benchmarks/near_duplicates.py``. At most O(n²) comparisons of w words. Memory: O(n w + pairs).

    Examples
    --------
    >>> h = np.array([0b0000, 0b0001, 0b0111, 0b0001], dtype=np.uint64)
    >>> near_pairs(h, 1).tolist()
    [[0, 1], [0, 3], [1, 3]]
    >>> near_pairs(h[:1], 1, other=h[1:]).tolist()
    [[0, 0], [0, 2]]
    """
    a = _words(hashes)
    if other is None:
        unique, where = _unique(a)
        found = _within(unique, max_bits, limit)
        return _spread(found, where, where, same=True, limit=limit)
    b = _words(other)
    left, at_left = _unique(a)
    right, at_right = _unique(b)
    found = _between(left, right, max_bits, limit)
    return _spread(found, at_left, at_right, same=False, limit=limit)


def _words(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    array = np.ascontiguousarray(hashes, dtype=np.uint64)
    return array[:, None] if array.ndim == 1 else array


def _unique(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    if len(hashes) == 0:
        return hashes, np.zeros(0, np.intp)
    unique, where = np.unique(hashes, axis=0, return_inverse=True)
    return unique, where.reshape(-1)


def _within(hashes: NDArray[np.uint64], max_bits: int, limit: int) -> Pairs:
    n = len(hashes)
    groups = _groups_of_bits(hashes, max_bits)
    work = sum(_comparisons(key) for key in groups)
    parts = (
        _by_group(hashes, groups, max_bits, n, n, same=True)
        if groups and _SCATTER * work < n * (n - 1) // 2
        else _blocked(hashes, hashes, max_bits, same=True)
    )
    return _collect(parts, limit)


def _between(a: NDArray[np.uint64], b: NDArray[np.uint64], max_bits: int, limit: int) -> Pairs:
    both = np.concatenate([a, b]) if len(a) and len(b) else a[:0]
    groups = _groups_of_bits(both, max_bits)
    work = sum(_comparisons(key) for key in groups)
    parts = (
        _by_group(both, groups, max_bits, len(a), len(both), same=False)
        if groups and _SCATTER * work < len(a) * len(b)
        else _blocked(a, b, max_bits, same=False)
    )
    return _collect(parts, limit)


def _groups_of_bits(hashes: NDArray[np.uint64], max_bits: int) -> list[NDArray[np.uint64]]:
    """Return the k + 1 keys of every hash; bits that lie side by side go to different groups."""
    n, width = len(hashes), 64 * hashes.shape[1]
    if n < 2 or max_bits + 1 > width:
        return []
    bits = np.unpackbits(hashes.view(np.uint8).reshape(n, -1), axis=1)
    keys = []
    for first in range(max_bits + 1):
        chosen = bits[:, first :: max_bits + 1][:, :60].astype(np.uint64)
        keys.append(chosen @ (np.uint64(1) << np.arange(chosen.shape[1], dtype=np.uint64)))
    return keys


def _comparisons(key: NDArray[np.uint64]) -> int:
    sizes = np.unique(key, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def _by_group(
    hashes: NDArray[np.uint64], groups: list[NDArray[np.uint64]], max_bits: int, n: int, m: int, same: bool
) -> Iterator[Pairs]:
    for key in groups:
        order = np.argsort(key, kind="stable")
        sorted_key = key[order]
        last = np.searchsorted(sorted_key, sorted_key, side="right")
        at = np.arange(len(order))
        step = 1
        while len(at := at[at + step < last[at]]):
            for part in np.array_split(at, 1 + len(at) // _BLOCK):
                i, j = order[part], order[part + step]  # stable, so i < j
                if not same:
                    across = (i < n) & (j >= n)
                    i, j = i[across], j[across]
                near = _distance(hashes[i].T, hashes[j].T) <= max_bits
                yield np.stack([i[near], j[near] - (0 if same else n)], axis=1)
            step += 1


def _blocked(a: NDArray[np.uint64], b: NDArray[np.uint64], max_bits: int, same: bool) -> Iterator[Pairs]:
    left, right = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    rows = 16
    columns = _BLOCK // rows
    for i in range(0, len(a), rows):
        for j in range((i // columns) * columns if same else 0, len(b), columns):
            near = _distance(left[:, i : i + rows, None], right[:, None, j : j + columns]) <= max_bits
            if near.any():
                p, q = np.nonzero(near)
                found = np.stack([p + i, q + j], axis=1)
                yield found[found[:, 0] < found[:, 1]] if same else found


def _collect(parts: Iterator[Pairs], limit: int) -> Pairs:
    kept: list[Pairs] = []
    count = 0
    for part in parts:
        kept.append(part)
        count += len(part)
        if count > 2 * limit:  # the groups of bits find a pair several times: look again
            kept = [np.unique(np.concatenate(kept), axis=0)]
            count = len(kept[0])
            if count >= limit:
                break
    pairs = np.concatenate([np.zeros((0, 2), np.intp), *kept])
    return np.unique(pairs, axis=0)[:limit]


def _spread(found: Pairs, left: NDArray[np.intp], right: NDArray[np.intp], same: bool, limit: int) -> Pairs:
    """Turn pairs of different hashes into pairs of rows, equal hashes included."""
    a, b = _Rows(left), _Rows(right)
    count = int((a.size[found[:, 0]] * b.size[found[:, 1]]).sum())
    equal = np.repeat(np.flatnonzero(a.size > 1)[:, None], 2, axis=1) if same else found[:0]
    count += int((a.size[equal[:, 0]] * (a.size[equal[:, 0]] - 1) // 2).sum())
    if count > limit:
        parts = [_product(found, a, b.first), _product(found, a.first, b), _product(equal, a.first, b)]
    else:
        parts = [_product(found, a, b), _product(equal, a, b)]
    pairs = np.concatenate(parts)
    if same:
        pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    return np.unique(pairs, axis=0)


class _Rows:
    """The rows that have each of the different hashes: `size` of them from `start` on in `order`."""

    def __init__(self, where: NDArray[np.intp]) -> None:
        self.order = np.argsort(where, kind="stable")
        self.size = np.bincount(where) if len(where) else np.zeros(0, np.intp)
        self.start = np.cumsum(self.size) - self.size

    @property
    def first(self) -> _Rows:
        """The same with only the first row of each."""
        one = copy(self)
        one.size = np.minimum(self.size, 1)
        return one


def _product(pairs: Pairs, a: _Rows, b: _Rows) -> Pairs:
    """Return each row of the one hash with each row of the other, for every pair of hashes."""
    across = b.size[pairs[:, 1]]
    counts = a.size[pairs[:, 0]] * across
    which = np.repeat(np.arange(len(pairs)), counts)
    k = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    i, j = pairs[which].T if len(which) else (which, which)
    return np.stack(
        [a.order[a.start[i] + k // across[which]], b.order[b.start[j] + k % across[which]]], axis=1
    ).astype(np.intp)


def _distance(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.integer]:
    """Return the number of bits that differ, over the words, which stand in the first axis."""
    bits = _popcount(a[0] ^ b[0])
    if len(a) > 3:
        bits = bits.astype(np.int32)  # four words have more bits than 8 bits can count
    for k in range(1, len(a)):
        bits = bits + _popcount(a[k] ^ b[k])
    return bits


def _popcount(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    if hasattr(np, "bitwise_count"):  # numpy 2
        return np.bitwise_count(words)
    halves = np.ascontiguousarray(words)[..., None].view(np.uint16)
    return _ONES[halves].sum(axis=-1, dtype=np.uint8)


_ONES = np.array([i.bit_count() for i in range(1 << 16)], dtype=np.uint8)
