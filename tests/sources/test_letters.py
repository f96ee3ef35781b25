from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.letters import (
    ALPHABETS,
    alphabet_of,
    one_hot,
    reverse_complement,
)


def test_letters_of_rna_are_those_of_dna_in_either_case():
    expected = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]
    for text in ("ACGTT", "acguu", "AcGuT"):
        made = one_hot(text, 5, "nucleotide")
        assert made.dtype == np.float32
        assert made.tolist() == expected


@pytest.mark.parametrize(
    ("alphabet", "letter", "column"),
    [
        ("nucleotide", "N", {}),
        ("nucleotide", "R", {"A": 0.5, "G": 0.5}),
        ("nucleotide", "v", {"A": 1 / 3, "C": 1 / 3, "G": 1 / 3}),
        ("protein", "X", {}),
        ("protein", "U", {}),
        ("protein", "B", {"D": 0.5, "N": 0.5}),
        ("protein", "Z", {"E": 0.5, "Q": 0.5}),
        ("protein", "j", {"I": 0.5, "L": 0.5}),
        ("protein", "Y", {"Y": 1.0}),
    ],
)
def test_a_letter_that_stands_for_several_shares_the_one(alphabet, letter, column):
    made = one_hot(letter, 1, alphabet)[:, 0]
    expected = [column.get(known, 0.0) for known in ALPHABETS[alphabet]]
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_each_amino_acid_has_a_row_of_its_own():
    assert np.array_equal(one_hot("ACDEFGHIKLMNPQRSTVWY", 20, "protein"), np.eye(20))


@pytest.mark.parametrize(
    ("text", "length", "where", "expected"),
    [
        ("ACG", 5, "left", "ACG--"),
        ("ACG", 5, "centre", "-ACG-"),
        ("ACG", 4, "centre", "-ACG"),
        ("ACGT", 5, "centre", "ACGT-"),
        ("ACGT", 7, "centre", "-ACGT--"),
        ("ACGTACG", 3, "centre", "GTA"),
        ("ACGTACG", 3, "left", "ACG"),
        ("ACGT", 3, "centre", "CGT"),
        ("", 3, "centre", "---"),
        ("ACGT", 4, "centre", "ACGT"),
    ],
)
def test_it_is_cut_and_filled_up_around_its_middle_or_behind(text, length, where, expected):
    rows = one_hot(text, length, "nucleotide", where)
    assert rows.shape == (4, length)
    read = "".join("ACGT"[column.argmax()] if column.any() else "-" for column in rows.T)
    assert read == expected


def test_an_alphabet_is_known_by_the_letters_of_all_sequences():
    assert alphabet_of(["ACGT", "acgu", "NNNN"]) == "nucleotide"
    assert alphabet_of(["ACGTRYK"]) == "nucleotide"
    assert alphabet_of(["ACGT", "ACDE"]) == "protein"  # E is no nucleotide
    assert alphabet_of(["KRVDSHMW"]) == "protein"  # codes of nucleotides, but hardly a base
    assert alphabet_of(text for text in ["", "A"]) == "nucleotide"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: one_hot("AC-T", 4, "nucleotide"),
            "'-' at place 3 of the sequence is none of .*'nucleotide'",
        ),
        (lambda: one_hot("MKE", 4, "nucleotide"), "'E' at place 3"),
        (lambda: alphabet_of(["MKV", "MK1E"]), "'1' at place 3 of the sequence 2"),
        (lambda: reverse_complement("ACE"), "'E' at place 3"),
        (lambda: alphabet_of(["", ""]), "no letter"),
        (lambda: one_hot("A", 4, "dna"), "no alphabet 'dna': use one of nucleotide, protein"),
        (lambda: one_hot("A", 0, "nucleotide"), "cannot become 0 columns"),
        (lambda: one_hot("A", 4, "nucleotide", where="right"), "where='right' does not exist"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(call, words):
    with pytest.raises(MedgraftError, match=words):
        call()


def test_the_other_strand_of_the_other_strand_is_the_first():
    text = "ACGTNRYSWKMBDHV"
    assert reverse_complement("AAC") == "GTT" and reverse_complement("aau") == "ATT"
    assert reverse_complement(reverse_complement(text)) == text
    flipped = one_hot(text, 15, "nucleotide")[::-1, ::-1]  # A and T, C and G change places
    np.testing.assert_array_equal(one_hot(reverse_complement(text), 15, "nucleotide"), flipped)


def test_one_slip_among_many_nucleotides_is_no_protein():
    with pytest.raises(MedgraftError, match=r"The letter 'E' at place 3 of the sequence 2 .* 'nucleotide'"):
        alphabet_of(["ACGT" * 100, "ACEGT"])
