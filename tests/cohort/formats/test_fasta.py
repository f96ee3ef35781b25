"""FASTA, plain and compressed."""

from __future__ import annotations

import gzip
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load

TEXT = ">NM_1 first gene\nacgu\nACGT\n\n>NM_2\nMKV*\n"


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.fa", "a.fasta", "a.FNA", "a.faa", "a.fa.gz", "a.fasta.gz"])
def test_records_are_joined_over_lines_in_capitals_with_name_and_description(tmp_path, name):
    frame, entry, said = _load(_write(tmp_path / name, TEXT.replace("\n", "\r\n")))
    assert entry.name == "fasta" and said == []
    assert frame.fillna("").values.tolist() == [["ACGUACGT", "NM_1", "first gene"], ["MKV", "NM_2", ""]]


def test_names_that_come_twice_and_empty_records_are_told(tmp_path):
    frame, _, said = _load(_write(tmp_path / "a.fa", ">a\nAC\n>a\nGT\n>b\n\n>c\nA\n"))
    assert frame["sequence"].tolist() == ["AC", "GT", "A"]
    assert said == [
        "1 names of 'a.fa' have no sequence and were left out.",
        "1 names come more than once in 'a.fa': 'a'.",
    ]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (">a\nACG1\n", "'a' of .* holds '1', which is no letter"),
        (">a\nAC-G\n", "holds '-', .* take the gaps out"),
        (">a\nA\u00c4\n", "is no letter"),
        ("ACGT\n>a\nAC\n", "text stands before"),
        ("nothing\n", "text stands before"),
        (">a\n\n", "empty"),
    ],
)
def test_what_is_no_sequence_is_refused_with_its_name(tmp_path, text, match):
    with pytest.raises(MedgraftError, match=match) as error:
        _load(_write(tmp_path / "a.fa", text))
    assert "a.fa" in str(error.value)


def test_a_folder_gives_the_file_and_the_class_folder(tmp_path):
    _write(tmp_path / "coding" / "a.fa", ">1\nACGT\n")
    _write(tmp_path / "noncoding" / "b.fa.gz", ">2\nGGGG\n")
    frame, entry, _ = _load(tmp_path)
    assert entry.name == "fasta"
    assert frame[["sequence", "file", "label"]].values.tolist() == [
        ["ACGT", "a", "coding"],
        ["GGGG", "b", "noncoding"],
    ]


def test_a_bomb_of_one_letter_is_refused_while_memory_stays_small(tmp_path):
    path = tmp_path / "a.fa.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b">bomb\n")
        for _ in range(300):
            file.write(b"A" * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MedgraftError, match=r"a\.fa\.gz' holds more letters"):
        _load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 * 1024


@FUZZ
@given(
    st.lists(
        st.tuples(
            st.text("abXY09_|.", min_size=1, max_size=8), st.text("ACGTUNacgt", min_size=1, max_size=200)
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 80),
)
def test_what_is_written_in_lines_of_any_width_is_read_back(tmp_path_factory, records, width):
    text = "".join(
        f">{name} x\n" + "".join(f"{s[i : i + width]}\n" for i in range(0, len(s), width))
        for name, s in records
    )
    frame, _, _ = _load(_write(tmp_path_factory.getbasetemp() / "back.fa", text))
    assert frame["id"].tolist() == [name for name, _ in records]
    assert frame["sequence"].tolist() == [s.upper() for _, s in records]


@pytest.mark.parametrize("name", ["fuzz.fa", "fuzz.fa.gz"])
def test_damaged_files_give_sequences_or_one_sentence(tmp_path, name):
    path = _write(tmp_path / name, TEXT * 5)
    content = path.read_bytes()

    @FUZZ
    @given(damage(content))
    def fuzz(data):
        path.write_bytes(data)
        read_or_sentence(path, "sequence")

    fuzz()
