"""WFDB records: beats, diagnoses, and headers that are not believed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load
from medgraft.cohort.formats.wfdb_header import read_header
from medgraft.cohort.formats.wfdb_record import open_signal
from medgraft.cohort.media import open_sample
from medgraft.cohort.ref import Ref

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # of the library that writes
RATE, N = 100, 1000
SAMPLES = np.stack([np.arange(N), 2000 - 2 * np.arange(N)], axis=1)  # ADC units; 200 make a millivolt


@pytest.fixture
def write(tmp_path):
    import wfdb

    def write(name="r1", comments=(), beats=(), symbols=(), fmt="16", folder=""):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        wfdb.wrsamp(
            name,
            fs=RATE,
            units=["mV", "mV"],
            sig_name=["I", "V 5"],
            d_signal=SAMPLES,
            fmt=[fmt] * 2,
            adc_gain=[200.0] * 2,
            baseline=[0] * 2,
            comments=list(comments),
            write_dir=str(place),
        )
        if len(beats):
            wfdb.wrann(name, "atr", np.array(beats), list(symbols), write_dir=str(place))
        return place / f"{name}.hea"

    return write


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


@pytest.mark.parametrize("fmt", ["16", "212", "24", "32"])
def test_a_beat_is_a_window_of_its_record_in_physical_units(write, fmt):
    path = write(beats=[100, 300, 500], symbols=["N", "+", "V"], fmt=fmt)
    frame, entry, said = _load(path)
    assert entry.name == "wfdb_record" and said == []
    assert frame["label"].tolist() == ["N", "V"]  # the rhythm mark is no beat
    assert frame["start"].tolist() == [0.75, 4.75] and (frame["seconds"] == 0.7).all()
    signal = open_sample("signal", frame["signal"][1])
    assert signal.rate == RATE and signal.channels == ("I", "V 5") and signal.units == ("mV", "mV")
    np.testing.assert_allclose(signal.values, SAMPLES[475:545].T / 200, atol=1e-6)


def test_beats_too_near_to_an_end_are_left_out_and_told(write):
    # The window is 25 samples before to 45 after: 25 and 955 just fit, 24 and 956 do not.
    frame, _, said = _load(write(beats=[24, 25, 955, 956], symbols=list("NAVN")))
    assert frame["label"].tolist() == ["A", "V"]
    assert "2 of the 4 beats of 'r1'" in said[0]
    for text in frame["signal"]:
        assert open_sample("signal", text).values.shape == (2, 70)


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        (
            ["age: 81", "sex: female", "Reason for admission: Myocardial infarction"],
            {"age": 81.0, "sex": "F", "diagnosis": "Myocardial infarction"},
        ),
        (["Dx: 426783006,164889003", "Sex: Male"], {"diagnosis": "426783006,164889003", "sex": "M"}),
        (["69 M 1085 1629 x1", "Aldomet"], {"age": 69.0, "sex": "M", "comments": "Aldomet"}),
        (["Asystole", "False alarm"], {"comments": "Asystole; False alarm"}),
        (["age: n/a", "Diagnosis: n/a"], {}),
    ],
)
def test_headers_tell_diagnosis_age_and_sex_in_the_ways_of_several_databases(write, comments, expected):
    frame, _, _ = _load(write(comments=comments))
    facts = {k: v for k, v in frame.iloc[0].items() if k in ("age", "sex", "diagnosis", "comments")}
    assert facts == expected and frame["signal"][0].endswith("r1.hea")


def test_the_diagnosis_is_the_label_where_there_are_no_beats_and_class_folders_come_first(write, tmp_path):
    write("a", comments=["Diagnosis: flutter"], folder="patient001")
    write("b", comments=["Diagnosis: sinus"], folder="patient002")
    frame, _, _ = _load(tmp_path)
    assert frame["label"].tolist() == ["flutter", "sinus"]
    assert frame["patient"].tolist() == ["patient001", "patient002"]
    for old, new in (("patient001", "ill"), ("patient002", "well")):
        (tmp_path / old).rename(tmp_path / new)
    frame, _, _ = _load(tmp_path)
    assert frame["label"].tolist() == ["ill", "well"] and frame["patient"].tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["../secret.dat", "/etc/passwd", "a/b.dat", "..", "~root", "http://x/y"])
def test_a_header_that_names_a_file_elsewhere_is_refused(write, tmp_path, name):
    (tmp_path / "secret.dat").write_bytes(bytes(4000))
    path = write(folder="in")
    path.write_text(path.read_text().replace("r1.dat", name))
    for act in (lambda: _load(path), lambda: open_signal(Ref(path))):
        with pytest.raises(MedgraftError, match=r"r1\.hea' names the file .* not in its folder"):
            act()


def test_a_segment_elsewhere_is_refused(write, tmp_path):
    write(folder="in")
    path = tmp_path / "in" / "m.hea"
    path.write_text(f"m/2 2 {RATE} {2 * N}\nr1 {N}\n../r1 {N}\n")
    with pytest.raises(MedgraftError, match=r"names the file '\.\./r1'"):
        _load(path)


def test_segments_follow_on_each_other_and_are_no_records_of_their_own(write, tmp_path):
    write("s1")
    write("s2")
    (tmp_path / "m.hea").write_text(f"m/2 2 {RATE} {2 * N}\ns1 {N}\ns2 {N}\n")
    frame, _, _ = _load(tmp_path)
    assert frame["record"].tolist() == ["m"] and frame["seconds"].tolist() == [20.0]
    signal = open_sample("signal", str(Ref(frame["signal"][0], start=9.9, seconds=0.2)))
    np.testing.assert_allclose(signal.values[0], np.r_[SAMPLES[990:, 0], SAMPLES[:10, 0]] / 200, atol=1e-6)


def test_missing_and_cut_files_are_named(write):
    path = write()
    data = path.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(MedgraftError, match=r"r1\.dat' is cut short: .* 1000 samples .* holds 999"):
        _load(path)
    data.unlink()
    with pytest.raises(MedgraftError, match=r"r1\.hea' lacks its file 'r1\.dat'"):
        _load(path)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("r1 2 100 1000", "r1 2 100 999999999999", "cut short"),
        ("r1 2 100 1000", "r1 99999 100 1000", "99999 channels"),
        ("r1 2 100 1000", "r1 9 100 1000", "9 channels and describes"),
        ("r1 2 100 1000", "r1 2 0 1000", "0 as sampling rate"),
        ("r1 2 100 1000", "r1 2 1e300 1000", "1e300 as sampling rate"),
        ("r1.dat 16 ", "r1.dat 16x999999999 ", "no recording has"),
        ("r1.dat 16 ", "r1.dat 16:999999999 ", "no recording has"),
        ("r1 2 100 1000", "r1 two 100 1000", "no name"),
    ],
)
def test_absurd_headers_are_refused_before_memory_is_taken(write, old, new, match):
    path = write()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    for act in (lambda: _load(path), lambda: open_signal(Ref(path))):
        with pytest.raises(MedgraftError, match=match):
            act()


def test_a_span_outside_of_the_record_is_refused(write):
    for parts in ({"start": 9.5, "seconds": 1}, {"start": 11}, {"start": 0, "seconds": 0}):
        with pytest.raises(MedgraftError, match="lies outside of the record of 10 seconds"):
            open_signal(Ref(write(), **parts))


def test_a_data_file_is_opened_through_the_header_beside_it(write):
    data = write().with_suffix(".dat")
    np.testing.assert_allclose(open_sample("signal", str(data)).values, SAMPLES.T / 200, atol=1e-6)


def test_damaged_annotations_are_told_with_a_way_out(write):
    path = write(beats=[100, 300], symbols=["N", "V"])
    path.with_suffix(".atr").write_bytes(b"\xff")
    with pytest.raises(MedgraftError, match=r"r1\.atr' cannot be read .* get the file anew, or move it"):
        _load(path)


def test_without_wfdb_the_sentence_says_how_to_get_it(write, monkeypatch):
    path = write()
    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(MedgraftError, match=r"need wfdb: pip install 'medgraft\[signals\]'"):
        open_signal(Ref(path))


def test_the_sample_records_are_read_as_their_source_says(shared_data):
    frame, _, said = _load(shared_data("ecg_wfdb"))
    beats = frame[frame["record"] == "100"]
    # Of 2239 normal beats the first (0.21 s) and the last (0.03 s before the end) have no whole window.
    assert beats["label"].value_counts().to_dict() == {"N": 2237, "A": 33, "V": 1}
    assert len(said) == 1 and said[0].startswith("2 of the 2273 beats of '100'")
    others = frame[frame["label"].isna()].set_index("record")
    assert others["n_channels"].to_dict() == {"a103l": 3, "s0010_re": 15, "v102s": 4}
    assert others["rate"].to_dict() == {"a103l": 250, "s0010_re": 1000, "v102s": 250}
    infarct = others.loc["s0010_re"]
    assert (infarct["diagnosis"], infarct["age"], infarct["sex"]) == ("Myocardial infarction", 81, "F")


@pytest.mark.parametrize("record", ["100", "a103l", "s0010_re", "v102s"])
def test_values_are_those_that_the_library_reads_from_the_whole_record(shared_data, record):
    import wfdb

    path = shared_data("ecg_wfdb") / record
    whole = wfdb.rdrecord(str(path))
    signal = open_signal(Ref(f"{path}.hea", start=10, seconds=2))
    a, b = 10 * whole.fs, 12 * whole.fs
    np.testing.assert_allclose(signal.values, whole.p_signal[a:b].T.astype(np.float32), equal_nan=True)
    assert read_header(path.with_suffix(".hea")).length == whole.sig_len
    assert list(signal.channels) == whole.sig_name


HEADER = b"f 2 100 100\nf.dat 16 200(0)/mV 16 0 0 0 0 I\nf.dat 16 200(0)/mV 16 0 0 0 0 II\n# age: 50\n"
# Codes in the upper six bits (1 N, 5 V), ticks since the last beat in the lower ten; zeros end the file.
BEATS = b"".join(((code << 10) | step).to_bytes(2, "little") for code, step in ((1, 30), (5, 2), (0, 0)))


@pytest.mark.parametrize("part", ["f.hea", "f.atr", "f.dat"])
@FUZZ
@given(data=damage(b"\0" * 400))
def test_damaged_records_of_noise_give_rows_or_one_sentence(tmp_path_factory, part, data):
    _fuzz(tmp_path_factory, part, data)


@FUZZ
@given(data=damage(HEADER))
def test_damaged_headers_give_rows_or_one_sentence(tmp_path_factory, data):
    _fuzz(tmp_path_factory, "f.hea", data)


@FUZZ
@given(data=damage(BEATS))
def test_damaged_annotations_give_rows_or_one_sentence(tmp_path_factory, data):
    _fuzz(tmp_path_factory, "f.atr", data)


def _fuzz(tmp_path_factory, part, data):
    folder = tmp_path_factory.getbasetemp() / "wfdb"
    folder.mkdir(exist_ok=True)
    for name, content in (("f.hea", HEADER), ("f.dat", bytes(400)), ("f.atr", BEATS)):
        (folder / name).write_bytes(data if name == part else content)
    read_or_sentence(folder / "f.hea", "signal", tuple(folder / f for f in ("f.dat", "f.atr")))


def test_the_record_that_is_damaged_above_is_read_when_whole(tmp_path):
    for name, content in (("f.hea", HEADER), ("f.dat", bytes(400)), ("f.atr", BEATS)):
        (tmp_path / name).write_bytes(content)
    assert _load(tmp_path / "f.hea")[0]["label"].tolist() == ["N", "V"]
