from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.kmers import kmer_names, kmers
from medgraft.sources.letters import ALPHABETS, reverse_complement


def counted(text, *args, **settings):
    """Words that occur, with their numbers."""
    counts = kmers(text, *args, **settings)
    names = kmer_names(*args, **settings)
    assert counts.dtype == np.float32 and len(names) == len(counts)
    return {name: int(n) for name, n in zip(names, counts, strict=True) if n}


def test_words_are_counted_by_hand():
    assert counted("ACGACG", 3, "nucleotide") == {"ACG": 2, "CGA": 1, "GAC": 1}
    assert counted("aaaa", 2, "nucleotide") == {"AA": 3}
    assert counted("UUAU", 2, "nucleotide") == {"TT": 1, "TA": 1, "AT": 1}
    assert counted("ACNAC", 2, "nucleotide") == {"AC": 2}  # no word over the unknown letter
    assert counted("MKBKM", 1, "protein") == {"M": 2, "K": 2}
    assert counted("AC", 3, "nucleotide") == {}


def test_gapped_words_skip_letters():
    assert counted("ACGTA", 2, "nucleotide", gap=1) == {"A.G": 1, "C.T": 1, "G.A": 1}
    assert counted("ACGTA", 3, "nucleotide", gap=1) == {"A.G.A": 1}
    assert counted("ANGTA", 2, "nucleotide", gap=1) == {"A.G": 1, "G.A": 1}


def test_a_word_and_its_reverse_complement_count_as_one():
    assert counted("ACGT", 2, "nucleotide", reverse_complement=True) == {"AC": 2, "CG": 1}
    assert kmer_names(1, "nucleotide", reverse_complement=True) == ("A", "C")
    assert len(kmer_names(2, "nucleotide", reverse_complement=True)) == (16 + 4) // 2
    assert len(kmer_names(3, "nucleotide", reverse_complement=True)) == 64 // 2  # none is its own


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_either_strand_has_the_same_counts(k, gap):
    text = "".join(np.random.default_rng(k).choice(list("ACGTN"), 60))
    own = kmers(text, k, "nucleotide", gap, reverse_complement=True)
    other = kmers(reverse_complement(text), k, "nucleotide", gap, reverse_complement=True)
    assert own.sum() > 0 and np.array_equal(own, other)


@pytest.mark.parametrize(("alphabet", "k", "gap"), [("nucleotide", 3, 0), ("protein", 2, 3)])
def test_counts_are_those_of_looking_at_every_place(alphabet, k, gap):
    letters = ALPHABETS[alphabet]
    text = "".join(
        np.random.default_rng(0).choice(list(letters + "X" if alphabet == "protein" else letters), 80)
    )
    naive = {"".join(word): 0 for word in product(letters, repeat=k)}
    for i in range(len(text)):
        word = text[i : i + 1 + (k - 1) * (gap + 1) : gap + 1]
        if word in naive:
            naive[word] += 1
    assert kmers(text, k, alphabet, gap).tolist() == list(naive.values())
    assert [name.replace(".", "") for name in kmer_names(k, alphabet, gap)] == list(naive)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kmers("AZJ*", 1, "protein"), r"'\*' at place 4"),
        (lambda: kmers("A", 9, "nucleotide"), "use 1 to 8 letters"),
        (lambda: kmers("A", 4, "protein"), "use 1 to 3 letters"),
        (lambda: kmers("A", 0, "protein"), "Words of 0 letters"),
        (lambda: kmers("A", 2, "protein", gap=-1), "gaps of -1"),
        (lambda: kmers("A", 2, "protein", reverse_complement=True), "no reverse complement"),
    ],
)
def test_what_cannot_be_counted_is_told_in_a_sentence(call, words):
    with pytest.raises(MedgraftError, match=words):
        call()
