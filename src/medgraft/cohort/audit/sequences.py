"""Nearly identical sequences: candidates by minhash of their words, then letter by letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.audit.relatives import links

_BANDS, _PER_BAND = 32, 2
_WORD = 8
_BLOCK = 1 << 22


def near_identical(
    texts: Sequence[str | None], identity: float, overlap: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Return pairs of sequences that agree, shifted against each other as they fit best.

    Candidates share two minima of 64 hashes of their words of 8 letters (Broder 1997,
    doi:10.1109/SEQUEN.1997.666900); sequences whose words overlap by 40 % (95 letters in 100 equal) are found
    with a chance of 0.996. Each candidate is then laid over the other at the shift at which most words
    meet, and letters are compared.

    Parameters
    ----------
    texts : sequence of str or None
    identity : float
        Share of letters that agree where the two overlap.
    overlap : float
        Share of the shorter sequence that lies over the other.

    Returns
    -------
    pairs : ndarray of int, (p, 2)
        Equal sequences are paired with the first of them only.
    identity, overlap : ndarray of float, (p,)

    Examples
    --------
    >>> a = "ACGTTGCAAGCTTAGGCATCGATTACGGAT"
    >>> pairs, same, over = near_identical([a, a[:20] + "T" + a[21:], a[::-1]], 0.9, 0.8)
    >>> pairs.tolist(), same.round(2).tolist(), over.tolist()
    ([[0, 1]], [0.97], [1.0])
    """
    equal = links(texts)
    later = set(equal[:, 1].tolist())
    rows = np.array([i for i, t in enumerate(texts) if t and i not in later], dtype=np.intp)
    found, same, over = [], [], []
    for i, j in rows[_candidates([texts[i] or "" for i in rows])].tolist():
        agree, lie = _lay(texts[i] or "", texts[j] or "")
        if agree >= identity and lie >= overlap:
            found.append((i, j))
            same.append(agree)
            over.append(lie)
    pairs = np.concatenate([np.array(found, dtype=np.intp).reshape(-1, 2), equal])
    one = np.ones(len(equal))
    return pairs, np.concatenate([same, one]), np.concatenate([over, one])


def _candidates(texts: list[str]) -> NDArray[np.intp]:
    signatures = np.stack([_signature(t) for t in texts]) if texts else np.zeros((0, 64), np.uint64)
    pairs = [np.zeros((0, 2), np.intp)]
    for band in range(_BANDS):
        part = signatures[:, band * _PER_BAND : (band + 1) * _PER_BAND]
        key = part[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ part[:, 1]
        order = np.argsort(key, kind="stable")
        # In the sorted order, neighbours with one key; a crowd is chained, so that it does not explode.
        for step in (1, 2, 3):
            i, j = order[:-step], order[step:]
            equal = key[i] == key[j]
            pairs.append(np.sort(np.stack([i[equal], j[equal]], axis=1), axis=1))
    return np.unique(np.concatenate(pairs), axis=0)


def _signature(text: str) -> NDArray[np.uint64]:
    """Return the minima of 64 hashes of a sequence's words."""
    words = _words(text)
    mixed = words[:, None] * _FACTORS[None, :]
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed ^ (mixed >> np.uint64(27))).min(axis=0)


def _words(text: str) -> NDArray[np.uint64]:
    letters = np.frombuffer(text[:_BLOCK].encode("utf-8", "replace"), dtype=np.uint8).astype(np.uint64)
    k = min(_WORD, len(letters))
    value = np.zeros(len(letters) - k + 1, dtype=np.uint64)
    for i in range(k):
        value = (value << np.uint64(8)) | letters[i : len(letters) - k + 1 + i]
    distinct = np.unique(value)
    if len(distinct) > 20_000:  # a genome: a sketch of its smallest words is enough
        distinct = np.sort(distinct * np.uint64(0x9E3779B97F4A7C15))[:20_000]
    return distinct + np.uint64(1)


_FACTORS = np.random.default_rng(20240229).integers(1, 2**63, 64, dtype=np.uint64) | np.uint64(1)


def _lay(a: str, b: str) -> tuple[float, float]:
    """Return identity and overlap at the shift at which most words of the two meet."""
    a, b = a[:_BLOCK], b[:_BLOCK]
    k = min(_WORD, len(a), len(b))
    at: dict[str, int] = {}
    for i in range(len(a) - k + 1):
        at.setdefault(a[i : i + k], i)
    shifts = Counter(at[w] - j for j in range(len(b) - k + 1) if (w := b[j : j + k]) in at)
    shift = shifts.most_common(1)[0][0] if shifts else 0
    start_a, start_b = max(0, shift), max(0, -shift)
    length = min(len(a) - start_a, len(b) - start_b)
    if length <= 0:
        return 0.0, 0.0
    x = np.array(list(a[start_a : start_a + length]))
    y = np.array(list(b[start_b : start_b + length]))
    return float((x == y).mean()), length / min(len(a), len(b))
