from __future__ import annotations

import numpy as np
import pytest

from medgraft.cohort.audit.sequences import near_identical

LETTERS = np.array(list("ACGT"))


def dna(rng, length=101):
    return "".join(rng.choice(LETTERS, length))


def mutate(text, n, rng):
    letters = list(text)
    for at in rng.choice(len(text), n, replace=False):
        letters[at] = "ACGT"[("ACGT".index(letters[at]) + 1 + rng.integers(3)) % 4]
    return "".join(letters)


def test_identity_is_the_share_of_equal_letters():
    rng = np.random.default_rng(0)
    a = dna(rng, 100)
    pairs, identity, overlap = near_identical([a, mutate(a, 4, rng)], 0.9, 0.8)
    assert pairs.tolist() == [[0, 1]] and identity.tolist() == [0.96] and overlap.tolist() == [1.0]


def test_of_a_shifted_copy_the_overlap_is_told():
    rng = np.random.default_rng(1)
    a = dna(rng, 100)
    pairs, identity, overlap = near_identical([a, a[15:] + dna(rng, 15)], 0.95, 0.8)
    assert pairs.tolist() == [[0, 1]] and identity.tolist() == [1.0] and overlap.tolist() == [0.85]


def test_nearly_all_copies_with_five_of_101_letters_changed_are_found_and_nothing_else():
    rng = np.random.default_rng(2)
    texts = [dna(rng) for _ in range(300)]
    copies = [mutate(t, 5, rng) for t in texts[:100]]
    pairs, _, _ = near_identical(texts + copies, 0.9, 0.8)
    planted = {(i, 300 + i) for i in range(100)}
    found = set(map(tuple, pairs.tolist()))
    assert found <= planted and len(found) >= 98


def test_a_thousand_equal_sequences_are_paired_with_the_first_alone():
    text = dna(np.random.default_rng(3))
    pairs, identity, _ = near_identical([text] * 1000, 0.9, 0.8)
    assert pairs.tolist() == [[0, i] for i in range(1, 1000)] and (identity == 1).all()


@pytest.mark.parametrize(
    "texts", [[], [None], ["", ""], ["A"], ["A", "C"], ["ACG", None, "ACGTÄ€"], ["N" * 500] * 3]
)
def test_odd_sequences_are_no_trouble(texts):
    pairs, identity, overlap = near_identical(texts, 0.9, 0.8)
    assert len(pairs) == len(identity) == len(overlap)
