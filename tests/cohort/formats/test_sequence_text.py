"""Lines of a sequence and a label."""

from __future__ import annotations

import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load
from medgraft.cohort.formats.sequence_text import is_labelled_sequences

TEXT = "ACGTACGTAA\t1\nggcauugcaa 0\n\nACGTNNNNAA  1\n"


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def _write(path, text=TEXT):
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.fa", "a.seq"])
@pytest.mark.parametrize("head", ["", "sequence\tlabel\n", "seq y\n", "rna_seq bound\n"])
def test_each_line_is_a_sequence_in_capitals_and_a_label(tmp_path, name, head):
    frame, entry, said = _load(_write(tmp_path / name, head + TEXT))
    assert entry.name == "sequence_text" and said == []
    assert frame["sequence"].tolist() == ["ACGTACGTAA", "GGCAUUGCAA", "ACGTNNNNAA"]
    assert frame["label"].tolist() == [1, 0, 1] and list(frame.columns) == ["sequence", "label"]


def test_labels_may_be_words_and_proteins_are_sequences_too(tmp_path):
    frame, _, _ = _load(_write(tmp_path / "a.txt", "MKVLWAALLV binder\nGGSHHWPPKL none\n"))
    assert frame["label"].tolist() == ["binder", "none"]


def test_a_folder_tells_the_file_of_each_sequence_and_documents_are_no_data(tmp_path):
    for name in ("AGO1.txt", "AGO2.txt"):
        _write(tmp_path / name)
    _write(tmp_path / "SOURCE.md", "# whence\n")
    _write(tmp_path / "README.txt", "These files hold sequences.\nCite us, please.\n")
    frame, entry, _ = _load(tmp_path)
    assert entry.name == "sequence_text"
    assert frame["file"].tolist() == ["AGO1"] * 3 + ["AGO2"] * 3


def test_a_folder_with_other_tables_is_not_one_of_sequences(tmp_path):
    _write(tmp_path / "a.txt")
    _write(tmp_path / "b.txt", "1 2 3\n4 5 6\n")
    with pytest.raises(MedgraftError, match="holds no images") as error:
        _load(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "SMITH 1\nLEE 0\n",
        "Wednesday 1\nThursdays 0\n",
        "1.5 2\n2.5 3\n",
        "ACGTACGTAA 1 2\nACGTACGTAA 1 2\n",
        "",
        "ACGTACGT1A 1\n",
        "The sequence\nfollows below\n",
    ],
)
def test_words_and_numbers_are_no_sequences(text):
    assert not is_labelled_sequences(text)


def test_a_bad_line_is_named_by_its_number(tmp_path):
    for bad in ("ACGT5ACGTA 1", "ACGTACGTAA", "ACGTACGTAA 1 1"):
        path = _write(tmp_path / "a.txt", TEXT * 20 + bad + "\n")
        with pytest.raises(MedgraftError, match=r"Line 81 of '.*a\.txt' is not a sequence"):
            _load(path)


def test_the_rna_binding_sets_are_counted_as_their_source_says(shared_data):
    frame, entry, said = _load(shared_data("rbp_sequences"))
    assert entry.name == "sequence_text" and said == []
    counts = frame.groupby("file")["label"].agg(["size", "sum"])
    bound = {"AGO1": (5210, 2586), "AGO2": (3797, 1836), "SERBP1": (6000, 2967), "SLBP": (6000, 2985)}
    bound |= {"NIP7": (6000, 2988), "SBDS": (6000, 3010), "WDR3": (6000, 2979)}
    bound |= {"clip1_PARCLIP_AGO1234": (6000, 1194), "clip5_CLIPSEQ_AGO2": (6000, 1284)}
    bound |= {"clip10_PARCLIP_ELAVL1A": (6000, 1238), "clip27_ICLIP_TDP43": (6000, 1192)}
    bound |= {"mirna_clean_miRNA_no_duplicates": (399, 399)}
    assert {name: (int(n), int(k)) for name, (n, k) in counts.iterrows()} == bound
    lengths = frame[~frame["file"].str.startswith("mirna")]["sequence"].str.len()
    assert set(lengths) == {101}


@FUZZ
@given(damage(TEXT.encode() * 10))
def test_damaged_files_give_sequences_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.seq"
    path.write_bytes(data)
    read_or_sentence(path, "sequence")
