from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from medgraft.cohort.audit import neighbours
from medgraft.cohort.audit.neighbours import near_pairs


def bits(a: list[int], b: list[int]) -> int:
    return sum((x ^ y).bit_count() for x, y in zip(a, b, strict=True))


def naive(a, b=None, k=0):
    """Compare everything with everything, one Python integer at a time."""
    left, right = a.tolist(), (a if b is None else b).tolist()
    pairs = [(i, j) for i in range(len(left)) for j in range(len(right)) if b is not None or i < j]
    return [[i, j] for i, j in pairs if bits(left[i], right[j]) <= k]


def crowd(rng, n, words):
    """Return hashes around five centres, some equal, most a few bits apart."""
    centres = rng.integers(0, 2**64, size=(5, words), dtype=np.uint64)
    out = centres[rng.integers(0, 5, n)].copy()
    for i in range(n):
        for _ in range(rng.integers(0, 9)):
            out[i, rng.integers(words)] ^= np.uint64(1) << np.uint64(rng.integers(64))
    return out


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 30), st.integers(1, 5), st.integers(0, 64))
def test_the_pairs_are_those_of_comparing_everything(seed, n, m, words, k):
    rng = np.random.default_rng(seed)
    a, b = crowd(rng, n, words), crowd(rng, m, words)
    assert near_pairs(a, k).tolist() == naive(a, k=k)
    assert near_pairs(a, k, other=b).tolist() == naive(a, b, k)


@pytest.mark.parametrize("scatter", [0, 10**9])
@pytest.mark.parametrize("words", [1, 2, 4])
def test_grouping_bits_and_comparing_in_blocks_find_the_same(monkeypatch, scatter, words):
    monkeypatch.setattr(neighbours, "_SCATTER", scatter)  # 0: always by groups; huge: never
    rng = np.random.default_rng(words)
    a, b = crowd(rng, 200, words), crowd(rng, 150, words)
    assert near_pairs(a, 9).tolist() == naive(a, k=9) != []
    assert near_pairs(a, 9, other=b).tolist() == naive(a, b, 9)


def test_numpy_1_counts_bits_by_a_table(monkeypatch):
    words = np.random.default_rng(0).integers(0, 2**64, (7, 5), dtype=np.uint64)
    want = [[w.bit_count() for w in row] for row in words.tolist()]
    assert neighbours._popcount(words).tolist() == want
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert neighbours._popcount(words).tolist() == want


def test_one_hash_a_row_may_be_given_flat():
    hashes = np.array([5, 4, 255], dtype=np.uint64)
    assert near_pairs(hashes, 1).tolist() == near_pairs(hashes[:, None], 1).tolist() == [[0, 1]]


@pytest.mark.parametrize("shape", [(0,), (1,), (0, 2)])
def test_no_hash_or_one_has_no_pairs(shape):
    assert near_pairs(np.zeros(shape, np.uint64), 3).shape == (0, 2)


def test_a_hundred_thousand_equal_hashes_do_not_explode():
    hashes = np.zeros(100_000, dtype=np.uint64)
    hashes[50_000] = 1
    start = time.perf_counter()
    pairs = near_pairs(hashes, 2)
    assert time.perf_counter() - start < 20
    assert len(pairs) < 200_000
    graph = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(100_000,) * 2)
    assert connected_components(graph)[0] == 1
    across = near_pairs(hashes, 2, other=hashes[:60_000])
    assert len(across) < 400_000
    assert set(across[:, 0]) == set(range(100_000)) and set(across[:, 1]) == set(range(60_000))


def test_below_the_limit_equal_hashes_are_paired_with_each_other():
    assert near_pairs(np.array([7, 7, 7], np.uint64), 0).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert near_pairs(np.array([7, 7, 7], np.uint64), 0, limit=2).tolist() == [[0, 1], [0, 2]]


def test_the_number_of_different_pairs_is_limited():
    hashes = np.arange(256, dtype=np.uint64)
    assert len(near_pairs(hashes, 8)) == 256 * 255 // 2
    assert len(near_pairs(hashes, 8, limit=100)) <= 100
