"""Views of sequences, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.letters import reverse_complement
from medgraft.sources.views import read_view, views

OWN = [n for n in views if views[n].kind == "sequence" and n != "language-model"]  # it needs a folder


def seen(spec, text):
    """What a view says, by name."""
    made = read_view(spec, kind="sequence")
    values = made(text)
    assert values.dtype == np.float32 and len(values) == len(made.names(text)) == len(set(made.names(text)))
    return dict(zip(made.names(text), values.tolist(), strict=True))


def test_both_are_registered_and_say_what_they_are():
    assert {"kmers", "composition"} <= set(OWN)
    assert str(read_view("kmers:k=2,gap=1")) == "kmers:k=2,alphabet=nucleotide,gap=1,reverse_complement=false"


@pytest.mark.parametrize("alphabet", ["nucleotide", "protein"])
@pytest.mark.parametrize("name", OWN)
def test_names_are_those_of_every_sequence_and_case_does_not_matter(name, alphabet):
    made = read_view(f"{name}:alphabet={alphabet}")
    texts = ["ACGT", "acGTTNKA", "", "GG"]
    assert len({tuple(made.names(text)) for text in texts}) == 1
    for text in texts:
        np.testing.assert_array_equal(made(text.lower()), made(text.upper()))


@pytest.mark.parametrize("name", OWN)
def test_rna_is_seen_as_dna(name):
    made = read_view(name)
    np.testing.assert_array_equal(made("ACGUUA"), made("ACGTTA"))


def test_shares_of_words_sum_to_one():
    shares = seen("kmers:k=2", "ACACG")
    assert {w: v for w, v in shares.items() if v} == {"AC": 0.5, "CA": 0.25, "CG": 0.25}
    pairs = seen("kmers:k=2,alphabet=protein,gap=1", "MKVL")
    assert {w: v for w, v in pairs.items() if v} == {"M.V": 0.5, "K.L": 0.5} and len(pairs) == 400


def test_a_sequence_without_a_whole_word_is_a_row_of_gaps():
    assert np.isnan(list(seen("kmers", "AC").values())).all()
    assert np.isnan(list(seen("kmers", "ACNGT").values())).all()


def test_a_strand_and_its_other_strand_are_one():
    made, text = read_view("kmers:reverse_complement=true"), "AACGTGGTACCATTTG"
    np.testing.assert_array_equal(made(text), made(reverse_complement(text)))


def test_composition_of_nucleotides_by_hand():
    made = seen("composition", "GCRA")  # R is half A, half G
    expected = {"A": 1.5 / 4, "C": 1 / 4, "G": 1.5 / 4, "T": 0, "GC": 2.5 / 4, "unknown": 0}
    expected["entropy"] = 2 * 0.375 * np.log2(1 / 0.375) + 0.25 * 2
    expected["log10 length"] = np.log10(4)
    assert made == pytest.approx(expected, abs=1e-6)


def test_composition_of_a_protein_by_hand():
    made = seen("composition:alphabet=protein", "MKKDWXA")
    expected = {"M": 1 / 6, "K": 2 / 6, "D": 1 / 6, "W": 1 / 6, "A": 1 / 6, "unknown": 1 / 7}
    expected["hydropathy"] = (1.9 - 2 * 3.9 - 3.5 - 0.9 + 1.8) / 6
    expected["charge"], expected["aromatic"] = (2 - 1) / 6, 1 / 6
    expected["entropy"] = 4 / 6 * np.log2(6) + 2 / 6 * np.log2(3)
    expected["log10 length"] = np.log10(7)
    assert {k: v for k, v in made.items() if v} == pytest.approx(expected, abs=1e-6)


def test_what_unknown_letters_do_not_tell_is_a_gap():
    made = seen("composition", "NNN")
    assert made["unknown"] == 1 and made["log10 length"] == pytest.approx(np.log10(3))
    assert np.isnan([made[k] for k in ("A", "GC", "entropy")]).all()
    assert np.isnan(list(seen("composition", "").values())).all()


def test_hydropathy_has_the_paper_s_ends_and_all_letters():
    from medgraft.sources.letters import ALPHABETS
    from medgraft.sources.views.sequence.composition import HYDROPATHY

    assert sorted(HYDROPATHY) == sorted(ALPHABETS["protein"])
    assert max(HYDROPATHY, key=HYDROPATHY.get) == "I" and min(HYDROPATHY, key=HYDROPATHY.get) == "R"
    assert sum(HYDROPATHY.values()) == pytest.approx(-9.8)


@pytest.mark.parametrize(
    ("spec", "text", "words"),
    [
        ("kmers", "ACGE", "'E' at place 4 of the sequence is none of the alphabet 'nucleotide'"),
        ("composition", "ACG-", "'-' at place 4"),
        ("kmers:k=9", "A", "use 1 to 8 letters"),
        ("kmers:alphabet=dna", "A", "no alphabet 'dna'"),
        ("composition:alphabet=dna", "A", "no alphabet 'dna'"),
        ("kmers:alphabet=protein,reverse_complement=true", "A", "no reverse complement"),
    ],
)
def test_what_cannot_be_seen_is_told(spec, text, words):
    with pytest.raises(MedgraftError, match=words):
        seen(spec, text)
