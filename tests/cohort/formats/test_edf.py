"""EDF and BDF: epochs by annotation, checked headers, values as the library reads them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load
from medgraft.cohort.formats.edf import open_signal
from medgraft.cohort.formats.edf_annotations import read_annotations
from medgraft.cohort.formats.edf_header import read_header
from medgraft.cohort.media import open_sample
from medgraft.cohort.ref import Ref

RATE, RECORDS = 10, 6  # samples a second, records of one second
NOTES = ((0.0, 2.0, "rest"), (2.0, 1.5, "left"), (3.5, 2.5, "right"))


def recording(
    notes=NOTES,
    patient="X X X X",
    plus="EDF+C",
    units=("uV", "mV"),
    records=RECORDS,
    says=None,
    bdf=False,
    times=None,
    rates=(RATE, RATE),
):
    """Return the bytes of a recording whose channel i holds i * 1000 + sample number."""
    width = 3 if bdf else 2
    room = 120 if notes is not None else 0
    names = [f"C{i + 1}" for i in range(len(units))] + (["EDF Annotations"] if room else [])
    samples = [*rates[: len(units)], *([room // width] if room else [])]
    n = len(names)
    say = lambda text, size: str(text).encode("latin-1").ljust(size)[:size]  # noqa: E731
    head = (b"\xffBIOSEMI" if bdf else say("0", 8)) + say(patient, 80)
    head += say("Startdate 01-JAN-2020 X X X", 80) + say("01.01.20", 8) + say("00.00.00", 8)
    head += say(256 * (n + 1), 8) + say(plus, 44) + say(records if says is None else says, 8)
    head += say(1, 8) + say(n, 4)
    low, high = (-(2**23), 2**23 - 1) if bdf else (-32768, 32767)
    for values, size in (
        (names, 16),
        ([""] * n, 80),
        ([*units, ""], 8),
        ([low] * n, 8),
        ([high] * n, 8),
        ([low] * n, 8),
        ([high] * n, 8),
        ([""] * n, 80),
        (samples, 8),
        ([""] * n, 32),
    ):
        head += b"".join(say(v, size) for v in values[:n])
    body = b""
    for k in range(records):
        for i, rate in enumerate(samples[: len(units)]):
            numbers = i * 1000 + k * rate + np.arange(rate)
            body += b"".join(int(v).to_bytes(width, "little", signed=True) for v in numbers)
        if room:
            at = k if times is None else times[k]
            text = f"+{at}\x14\x14\0".encode()
            if k == 0:
                text += b"".join(
                    f"+{s}\x15{d}\x14{t}\x14\0".encode() if d else f"+{s}\x14{t}\x14\0".encode()
                    for s, d, t in notes
                )
            body += text.ljust(room // width * width, b"\0")
    return head + body


@pytest.fixture
def write(tmp_path):
    def write(name="S001R03.edf", **how):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(recording(**how))
        return path

    return write


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def test_each_annotation_is_an_epoch_with_its_own_samples(write):
    frame, entry, said = _load(write())
    assert entry.name == "edf" and said == []
    assert frame["label"].tolist() == ["rest", "left", "right"]
    assert frame["start"].tolist() == [0.0, 2.0, 3.5] and frame["seconds"].tolist() == [2.0, 1.5, 2.5]
    assert frame[["patient", "run", "montage"]].drop_duplicates().values.tolist() == [
        ["S001", "R03", "C1, C2"]
    ]
    assert (frame["rate"] == RATE).all() and (frame["n_channels"] == 2).all() and "sex" not in frame
    signal = open_sample("signal", frame["signal"][1])
    # Channel 1 counts in microvolts, channel 2 from 1000 in millivolts; the epoch is samples 20 to 34.
    np.testing.assert_allclose(signal.values[0], 1e-6 * np.arange(20, 35), rtol=1e-5)
    np.testing.assert_allclose(signal.values[1], 1e-3 * (1000 + np.arange(20, 35)), rtol=1e-5)
    assert signal.rate == RATE and signal.channels == ("C1", "C2") and signal.units == ("V", "V")


def test_bdf_files_of_three_bytes_a_sample_are_read_alike(write):
    frame, _, _ = _load(write("a.bdf", bdf=True, notes=None, plus="24BIT"))
    signal = open_sample("signal", frame["signal"][0])
    np.testing.assert_allclose(signal.values[0], 1e-6 * np.arange(60), rtol=1e-5)
    assert "label" not in frame and frame["seconds"][0] == 6.0


def test_units_other_than_volts_stay_what_they_are(write):
    signal = open_signal(Ref(write(notes=None, units=("uV", "degC"))))
    assert signal.units == ("V", "degC")
    np.testing.assert_allclose(signal.values[1], 1000 + np.arange(60), rtol=1e-5)


def test_a_slower_channel_is_brought_to_the_rate_of_the_fastest(write):
    path = write(notes=((1.0, 2.0, "a"),), rates=(10, 5))
    frame, _, _ = _load(path)
    signal = open_sample("signal", frame["signal"][0])
    assert frame["rate"][0] == signal.rate == 10 and signal.values.shape == (2, 20)
    np.testing.assert_allclose(signal.values[0], 1e-6 * np.arange(10, 30), rtol=1e-5)


def test_epochs_past_the_end_are_shortened_or_left_out_and_marks_are_none(write):
    notes = ((4.0, 5.0, "long"), (6.0, 1.0, "after"), (1.0, 0.0, "mark"), (0.0, 1.0, "fine"))
    frame, _, said = _load(write(notes=notes))
    assert frame[["label", "start", "seconds"]].values.tolist() == [["long", 4.0, 2.0], ["fine", 0.0, 1.0]]
    assert open_sample("signal", frame["signal"][0]).values.shape == (2, 20)
    assert [s.split()[0] for s in said] == ["1", "1", "1"]
    assert "shortened" in said[0] and "outside" in said[1] and "no duration" in said[2]


def test_a_recording_whose_clock_starts_late_counts_from_its_first_sample(write):
    frame, _, _ = _load(write(notes=((0.5, 1.0, "a"), (1.5, 1.0, "b")), times=[k + 0.5 for k in range(6)]))
    assert frame["start"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("patient", "expected", "sex"),
    [
        ("MCH-0234567 F 02-MAY-1951 Haagse_Harry", "MCH-0234567", "F"),
        ("X M X X", "S001", "M"),
        ("X X X X", "S001", None),
        ("anonymous X X X", "S001", None),
        ("", "S001", None),
    ],
)
def test_the_patient_is_the_code_of_the_header_and_never_a_name(write, patient, expected, sex):
    frame, _, _ = _load(write(patient=patient))
    assert set(frame["patient"]) == {expected}
    assert (set(frame["sex"]) if "sex" in frame else {None}) == {sex}
    assert "Harry" not in frame.to_csv() and "1951" not in frame.to_csv()


@pytest.mark.parametrize(
    ("name", "patient", "run"),
    [
        ("S001R03.edf", "S001", "R03"),
        ("sub-07_task-rest_run-2.edf", "sub-07", "task-rest_run-2"),
        ("chb01/chb01_03.edf", "chb01", "03"),
        ("night.edf", "night", "night"),
    ],
)
def test_the_file_or_its_folder_names_the_patient_of_an_anonymous_header(write, name, patient, run):
    write(name)
    frame, _, _ = _load(write("other/x.edf").parent.parent)
    mine = frame[frame["file"] == name]
    assert set(mine["patient"]) == {patient} and set(mine["run"]) == {run}


def test_files_without_annotations_are_rows_with_the_class_folder_as_label(write):
    write("ill/a.edf", notes=None, plus="")
    frame, _, _ = _load(write("well/b.EDF", notes=None, plus="").parent.parent)
    assert frame["label"].tolist() == ["ill", "well"] and frame["file"].tolist() == [
        "ill/a.edf",
        "well/b.EDF",
    ]


def test_event_files_beside_recordings_are_not_read(write):
    path = write()
    path.with_name("S001R03.edf.event").write_bytes(b"junk")
    assert len(_load(path.parent)[0]) == 3


def test_a_cut_file_and_one_sent_as_text_are_refused(write):
    path = write()
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(MedgraftError, match=r"S001R03\.edf' is cut short: .* promises 6 records .* holds 5"):
        _load(path)
    path.write_bytes(content + b"\r\n" * 3)
    with pytest.raises(MedgraftError, match="6 bytes more than its header promises: was it sent as text"):
        _load(path)


def test_a_recording_that_was_never_closed_is_read_to_its_end(write):
    frame, _, said = _load(write(says=-1))
    assert len(frame) == 3 and said == []
    frame, _, said = _load(write(says=4))
    assert len(frame) == 3 and "holds 6 records where its header says 4" in said[0]


def test_a_recording_with_gaps_is_refused_and_one_that_only_could_have_them_is_read(write):
    assert len(_load(write(plus="EDF+D"))[0]) == 3
    with pytest.raises(MedgraftError, match="has gaps .*from record 4 on"):
        _load(write(plus="EDF+D", times=[0, 1, 2, 9, 10, 11]))


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        (slice(252, 256), b"9999", "9999 channels"),
        (slice(252, 256), b"0   ", "0 channels"),
        (slice(236, 244), b"99999999", "promises 99999999 records"),
        (slice(244, 252), b"0       ", "records of 0 seconds"),
        (slice(244, 252), b"1e-99   ", "records of 1e-99 seconds"),
        (slice(244, 252), b"nan     ", "'nan' as length"),
        (slice(184, 192), b"512     ", "another length"),
    ],
)
def test_absurd_headers_are_refused_before_anything_is_read(write, place, value, match):
    path = write()
    content = bytearray(path.read_bytes())
    content[place] = value
    path.write_bytes(bytes(content))
    with pytest.raises(MedgraftError, match=match) as error:
        _load(path)
    assert "S001R03.edf" in str(error.value)


def test_a_span_outside_of_the_recording_is_refused(write):
    for parts in ({"start": 5, "seconds": 2}, {"start": 7}, {"start": 0, "seconds": 0}):
        with pytest.raises(MedgraftError, match="lies outside of the recording of 6 seconds"):
            open_signal(Ref(write(), **parts))


def test_a_changed_file_is_read_anew(write):
    path = write(notes=None)
    assert open_signal(Ref(path)).values.shape[1] == 60
    write(notes=None, records=7)
    assert open_signal(Ref(path)).values.shape[1] == 70


def test_the_library_reads_the_same_annotations_and_values(write, shared_data):
    import mne

    path = shared_data("eegmmi_s001") / "S001R08.edf"
    raw = mne.io.read_raw_edf(path, verbose="ERROR")
    found = read_annotations(read_header(path), path)
    assert [a.text for a in found] == raw.annotations.description.tolist()
    np.testing.assert_allclose([a.start for a in found], raw.annotations.onset)
    np.testing.assert_allclose([a.seconds for a in found], raw.annotations.duration)
    signal = open_signal(Ref(path, start=8.3, seconds=4.2))
    np.testing.assert_array_equal(signal.values, raw.get_data(start=1328, stop=2000).astype(np.float32))


def test_the_motor_imagery_of_one_person_is_counted_as_its_source_says(shared_data):
    frame, _entry, said = _load(shared_data("eegmmi_s001"))
    counts = frame.groupby("run")["label"].value_counts().unstack()[["T0", "T1", "T2"]]
    assert counts.to_dict("index") == {
        "R03": {"T0": 15, "T1": 8, "T2": 7},
        "R04": {"T0": 15, "T1": 8, "T2": 7},
        "R08": {"T0": 15, "T1": 8, "T2": 7},
        "R12": {"T0": 15, "T1": 7, "T2": 8},
    }
    assert set(frame["patient"]) == {"S001"} and frame["montage"].nunique() == 1 and said == []
    assert open_sample("signal", frame["signal"][1]).values.shape == (64, 656)  # 4.1 s at 160 Hz


def test_without_mne_the_sentence_says_how_to_get_it(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "mne", None)
    with pytest.raises(MedgraftError, match=r"needs? mne: pip install 'medgraft\[signals\]'"):
        open_signal(Ref(write(name="fresh.edf")))


@FUZZ
@given(content=damage(recording(), head=1024))
def test_damaged_recordings_give_epochs_or_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.edf"
    path.write_bytes(content)
    read_or_sentence(path, "signal")
