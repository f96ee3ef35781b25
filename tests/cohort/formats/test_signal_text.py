"""Signals as plain text: numbers on lines, in class folders or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load
from medgraft.cohort.media import open_sample

ONE = "".join(f"{v}\r\n" for v in range(-5, 15))
THREE = "".join(f"{i}, {i + 0.5},{-i}e-1\n" for i in range(20))


@pytest.fixture
def write(tmp_path):
    def write(name, text=ONE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def _load(path, kind=None):
    said: list[str] = []
    frame, entry = load(path, said.append, kind)
    return frame, entry, said


def test_class_folders_of_text_signals_are_a_cohort(write, tmp_path):
    for name in ("well/a.txt", "well/b.TXT", "ill/c.txt"):
        write(name)
    write("LICENSE.txt", "All rights are with the university.\nCite the paper.\n")
    frame, entry, said = _load(tmp_path)
    assert entry.name == "signal_text" and said == []
    assert frame["label"].tolist() == ["ill", "well", "well"]
    assert frame["file"].tolist() == ["ill/c.txt", "well/a.txt", "well/b.TXT"]
    signal = open_sample("signal", frame["signal"][0])
    np.testing.assert_array_equal(signal.values, [np.arange(-5, 15)])
    assert signal.rate == 1.0 and signal.channels == ("1",) and signal.units == ("",)


def test_the_rate_is_what_the_reference_says(write):
    assert open_sample("signal", f"{write('a.txt')}::rate=173.61").rate == 173.61
    for rate in ("0", "-1", "x", "nan"):
        with pytest.raises(MedgraftError, match="rate"):
            open_sample("signal", f"{write('a.txt')}::rate={rate}")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "   "])
@pytest.mark.parametrize("head", [False, True])
def test_columns_are_channels_with_the_names_of_the_first_line(write, delimiter, head):
    rows = [delimiter.join((str(i), str(i + 0.5))) for i in range(20)]
    path = write("x/a.csv", "\n".join([delimiter.join(("ecg", "ppg")), *rows] if head else rows))
    signal = open_sample("signal", str(path))
    np.testing.assert_array_equal(signal.values, [np.arange(20), np.arange(20) + 0.5])
    assert signal.channels == (("ecg", "ppg") if head else ("1", "2"))


def test_columns_in_class_folders_are_channels_and_alone_a_table(write, tmp_path):
    write("in/a/1.txt", THREE)
    write("in/b/2.txt", THREE)
    assert _load(tmp_path / "in")[1].name == "signal_text"
    assert _load(write("flat.txt", THREE))[1].name == "text_table"
    frame, _, _ = _load(write("flat.txt", THREE), "signal")
    assert open_sample("signal", frame["signal"][0]).values.shape == (3, 20)


def test_a_flat_folder_of_single_columns_has_no_label(write, tmp_path):
    write("a.txt"), write("b.txt")
    frame, entry, _ = _load(tmp_path)
    assert entry.name == "signal_text" and list(frame.columns) == ["signal", "file"]


def test_a_file_with_one_number_per_line_is_a_signal(write):
    assert _load(write("a.txt"))[1].name == "signal_text"
    assert _load(write("a.asc"))[1].name == "signal_text"


def test_folders_below_the_classes_may_be_patients_and_are_told(write, tmp_path):
    write("ill/p1/a.txt"), write("well/p2/b.txt")
    frame, _, said = _load(tmp_path)
    assert frame["folder"].tolist() == ["p1", "p2"] and "--group folder" in said[0]


def test_what_is_no_signal_in_a_class_folder_is_left_out_and_told(write, tmp_path):
    for i in range(6):
        write(f"ill/{i}.txt")
    write("ill/notes.txt", "The patient slept.\nThen woke.\n")
    frame, _, said = _load(tmp_path)
    assert len(frame) == 6 and said == ["1 text files hold no signal and are not used: 'notes.txt'."]


def test_images_or_records_beside_texts_make_it_another_folder(write, tmp_path):
    write("a/1.txt"), write("b/2.txt"), write("a/1.png", "no matter")
    with pytest.raises(MedgraftError) as error:
        open_sample("image", _load(tmp_path)[0]["image"][0])
    assert "1.png" in str(error.value)


@pytest.mark.parametrize(
    "text", ["1\n2\nthree\n4\n", "1,2\n3,4\n5,6,7\n", "1,2\n" + "3,4,5\n" * 9, "", "word\n1\n2\n"]
)
def test_texts_that_are_no_signal_say_so(write, text):
    with pytest.raises(MedgraftError, match=r"bad\.txt"):
        open_sample("signal", str(write("bad.txt", text)))


def test_missing_values_are_missing(write):
    values = open_sample("signal", str(write("a.txt", "1\nNaN\n3\n"))).values[0]
    assert values[[0, 2]].tolist() == [1, 3] and np.isnan(values[1])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MedgraftError, match=r"gone\.txt"):
        open_sample("signal", str(tmp_path / "gone.txt"))


def test_an_enormous_file_is_refused_unread(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"1\n" * 1000)
    with path.open("r+b") as file:
        file.truncate(2**31)  # sparse: takes no disk
    with pytest.raises(MedgraftError, match=r"a\.txt' promises 536,870,912 values"):
        open_sample("signal", str(path))


def test_five_sets_of_a_hundred_segments_are_read_as_their_source_says(shared_data):
    frame, entry, said = _load(shared_data("bonn_eeg"))
    assert entry.name == "signal_text" and said == []
    assert frame["label"].value_counts().to_dict() == dict.fromkeys(("A_Z", "B_O", "C_N", "D_F", "E_S"), 100)
    lengths = {open_sample("signal", text).values.shape for text in frame["signal"][::20]}
    assert lengths == {(1, 4097)}
    seizure = frame[frame["label"] == "E_S"]["signal"].iloc[0]
    assert open_sample("signal", seizure).values[0, :4].tolist() == [100, 124, 153, 185]


@FUZZ
@given(data=damage(THREE.encode()))
def test_damaged_texts_give_numbers_or_one_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "text" / "ill" / "fuzz.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        assert open_sample("signal", str(path)).values.size > 0
    except MedgraftError as error:
        assert "fuzz.txt" in str(error) and "\n" not in str(error)
    read_or_sentence(path.parent.parent, None)
