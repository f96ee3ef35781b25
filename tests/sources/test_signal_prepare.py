"""Recordings made ready: what is cut where, from what, with which label, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.media import Signal, open_sample
from medgraft.sources.signal_cut import FLAGS, Cut, recordings_of
from medgraft.sources.signal_prepare import prepare
from medgraft.sources.signals import SignalInput
from small_edf import write_edf

RATE = 50


def noise(seed=0, channels=2, seconds=20, rate=RATE):
    return np.random.default_rng(seed).normal(size=(channels, seconds * rate))


def text_file(path, X):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ",".join(f"C{i + 1}" for i in range(len(X)))
    np.savetxt(path, X.T, fmt="%.9g", delimiter=",", header=names, comments="")
    return path


@pytest.fixture
def several(tmp_path):
    """Three patients, the first with two recordings, of 20 seconds and two channels."""
    rows = []
    for i, (patient, label) in enumerate([("ana", "ill"), ("ana", "ill"), ("bo", "well"), ("cy", "ill")]):
        mix = np.random.default_rng(100 + i).normal(size=(2, 2))
        path = text_file(tmp_path / "data" / f"r{i}.csv", mix @ noise(i))
        rows.append({"file": f"{path}::rate={RATE}", "who": patient, "state": label, "age": 30 + i})
    return read(pd.DataFrame(rows), label="state", signal="file", group="who")


def opened(out, table):
    return [open_sample("signal", f"{out}/{cell}") for cell in table["signal"]]


def test_windows_are_slices_of_the_recording_filtered_from_end_to_end(several, tmp_path):
    out = tmp_path / "o"
    made = prepare(several, out, Cut(3.0, overlap=0.5), reading="low=4,high=12").manifest
    n, step = 150, 75
    given = SignalInput(low=4, high=12)
    for name, rows in made.groupby("recording"):
        raw = open_sample("signal", f"{tmp_path}/data/{name}.csv::rate={RATE}")
        whole = given(raw).values
        assert rows["start"].tolist() == [1.5 * k for k in range((1000 - n) // step + 1)]
        for k, signal in enumerate(opened(out, rows)):
            np.testing.assert_array_equal(signal.values, whole[:, k * step : k * step + n])
            assert signal.rate == RATE and signal.channels == ("C1", "C2")
        alone = given(Signal(raw.values[:, step : step + n], raw.rate, raw.channels, raw.units))
        assert np.abs(alone.values[:, :20] - whole[:, step : step + 20]).max() > 0.1  # a cut disturbs


def test_the_manifest_reads_back_with_patients_labels_and_all_other_columns(several, tmp_path):
    out = tmp_path / "o"
    made = prepare(several, out, Cut(5.0)).manifest
    cohort = read(out / "manifest.csv", signal="signal", label="label", group="patient")
    assert cohort.n == 16 and sorted(cohort.classes) == ["ill", "well"]
    assert pd.crosstab(cohort.table["patient"], cohort.table["label"]).to_numpy().tolist() == [
        [8, 0],
        [0, 4],
        [4, 0],
    ]
    assert made.groupby("recording")["age"].unique().map(list).to_dict() == {
        f"r{i}": [30 + i] for i in range(4)
    }
    assert open_sample("signal", cohort.table["signal"][3]).values.shape == (2, 250)
    settings = json.loads((out / "signals.json").read_text())
    assert settings["cut"]["seconds"] == 5.0 and settings["reading"]["signal"]["seconds"] == 0.0


def test_no_label_and_no_order_of_rows_changes_a_window(several, tmp_path):
    def windows(cohort, name):
        made = prepare(cohort, tmp_path / name, Cut(4.0), reading="low=4", align="euclidean").manifest
        keys = zip(made["recording"], made["start"], strict=True)
        return {key: s.values.tobytes() for key, s in zip(keys, opened(tmp_path / name, made), strict=True)}

    before = several.table.copy()
    first = windows(several, "a")
    turned = several.table.iloc[::-1].assign(state=["well", "well", "ill", "well"])
    other = read(turned, label="state", signal="file", group="who")
    assert windows(other, "b") == first
    pd.testing.assert_frame_equal(several.table, before)


@pytest.mark.parametrize("by", ["patient", "recording"])
def test_aligned_windows_have_the_identity_for_their_mean_covariance(several, tmp_path, by):
    out = tmp_path / "o"
    reading = {"reading": "low=4,high=20", "align_by": by}
    made = prepare(several, out, Cut(2.0), align="euclidean", **reading).manifest
    for key in ("patient", "recording"):
        far = []
        for _, rows in made.groupby(key):
            covariances = [s.values @ s.values.T / s.values.shape[1] for s in opened(out, rows)]
            far.append(np.abs(np.mean(covariances, axis=0) - np.eye(2)).max())
        if key == by or by == "recording":  # a patient's recordings each have it, so have they together
            assert max(far) < 1e-5
        else:
            assert max(far) > 0.1


def test_events_give_windows_at_their_own_samples_and_those_without_room_are_told(tmp_path):
    X = np.round(100 * noise(1))
    notes = ((0.5, 0, "T1"), (4.0, 3.0, "T2"), (9.02, 0, "T1"), (12.0, 2.0, "rest"), (18.5, 0, "T2"))
    write_edf(tmp_path / "d" / "S001R03.edf", X, RATE, notes)
    cohort = read(tmp_path / "d", require_label=False)
    made = prepare(
        cohort, tmp_path / "o", Cut(2.0, events={"T1": "left", "T2": "right"}, first=-1.0), reading=""
    )
    table = made.manifest
    assert table["label"].tolist() == ["right", "left", "right"]
    assert table["start"].tolist() == [3.0, 8.02, 17.5] and table["segment"].tolist() == [1, 2, 4]
    for signal, first in zip(opened(tmp_path / "o", table), (150, 401, 875), strict=True):
        np.testing.assert_allclose(signal.values, 1e-6 * X[:, first : first + 100], atol=1e-9)
    assert any("too near to an end of their recording for a whole window: 1." in s for s in made.said)
    assert any("not asked for: rest (1)" in s for s in made.said)
    assert set(table["patient"]) == {"S001"} and set(table["run"]) == {"R03"}


def test_windows_of_spans_lie_within_them_and_short_spans_are_told(tmp_path):
    notes = ((0.0, 5.0, "wake"), (5.0, 1.5, "n1"), (6.5, 4.5, "n2"))
    write_edf(tmp_path / "a.edf", np.round(100 * noise(2)), RATE, notes)
    made = prepare(read(tmp_path / "a.edf", require_label=False), tmp_path / "o", Cut(2.0, overlap=0.5))
    table = made.manifest
    assert table[["label", "start"]].values.tolist() == [
        *(["wake", s] for s in (0.0, 1.0, 2.0, 3.0)),
        *(["n2", s] for s in (6.5, 7.5, 8.5)),
    ]
    assert made.said == ("Spans shorter than 2 s, which give no window: 1.",)


def test_planted_artefacts_are_counted_in_their_own_windows(tmp_path):
    X = 0.2 * noise(3, channels=3, rate=200)
    t = np.arange(X.shape[1]) / 200
    X[0, 800:1200] = 0.0  # seconds 4 to 6
    X[1, 2000:2400] += 5 * np.sin(2 * np.pi * 50 * t[2000:2400])  # 10 to 12
    X[2, 2800:3200] = np.clip(X[2, 2800:3200], -0.1, 0.1)  # 14 to 16
    path = text_file(tmp_path / "r.csv", X)
    frame = pd.DataFrame({"file": [f"{path}::rate=200"]})
    cohort = read(frame, signal="file", require_label=False)

    def flagged(reading, **how):
        made = prepare(cohort, tmp_path / "o", Cut(2.0), reading=reading, **how)
        bad = made.manifest.set_index("start")[list(FLAGS)]
        kept = bad.loc[:, ["flat", "clipped", "range", "line"]]  # white noise is full of high frequencies
        return {(s, flag): n for s, row in kept.iterrows() for flag, n in row.items() if n}, made

    assert flagged("")[0] == {(4.0, "flat"): 1, (10.0, "line"): 1, (14.0, "clipped"): 1}
    assert flagged("low=2,high=20")[0] == {(4.0, "flat"): 1, (14.0, "clipped"): 1}  # the mains are gone
    assert flagged("low=40", largest=8.0)[0][(10.0, "range")] == 1
    kept, made = flagged("low=2,high=20", drop=True)
    assert kept == {} and made.manifest["start"].tolist() == [0.0, 2.0, 6.0, 8.0, 10.0, 12.0, 16.0, 18.0]
    assert made.said == ("Windows left out because a channel of theirs has an artefact: 2 of 10.",)


def test_scale_is_of_the_whole_recording_and_not_of_the_window(several, tmp_path):
    made = prepare(several, tmp_path / "o", Cut(5.0), reading="low=4,scale=zscore").manifest
    for _, rows in made.groupby("recording"):
        whole = np.concatenate([s.values for s in opened(tmp_path / "o", rows)], axis=1)
        np.testing.assert_allclose(whole.std(axis=1), 1.0, atol=1e-5)
        assert np.ptp([s.values.std() for s in opened(tmp_path / "o", rows)]) > 1e-3


def test_recordings_of_one_name_keep_files_of_their_own(tmp_path):
    paths = [text_file(tmp_path / who / "night.csv", noise(i)) for i, who in enumerate("ab")]
    frame = pd.DataFrame({"file": [f"{path}::rate={RATE}" for path in paths], "who": list("ab")})
    cohort = read(frame, signal="file", group="who", require_label=False)
    made = prepare(cohort, tmp_path / "o", Cut(20.0)).manifest
    assert made["recording"].nunique() == 2
    for i, signal in enumerate(opened(tmp_path / "o", made)):
        np.testing.assert_allclose(signal.values, noise(i), rtol=1e-6)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"cut": Cut(2.0, events={"T1": "left"})}, "has no annotations: --events takes EDF"),
        ({"cut": Cut(30.0)}, "No window is left. Spans shorter than 30 s, which give no window: 4"),
        ({"reading": "seconds=3"}, "takes no seconds here"),
        ({"reading": "picture=stockwell"}, "takes no picture here"),
        ({"reading": "high=30"}, "high=30 of signals is not below half the rate, 25 Hz"),
        ({"reading": "lowe=3"}, "no setting 'lowe'. Did you mean 'low'"),
        ({"reading": "channels=C1|C9"}, "no channel 'C9'"),
        ({"align": "euclidian"}, "no alignment 'euclidian'.*Did you mean 'euclidean'"),
        ({"align_by": "run"}, "no alignment by 'run': use patient or recording"),
    ],
)
def test_refusals_say_what_to_do_and_leave_an_earlier_result_alone(several, tmp_path, how, says):
    out = tmp_path / "o"
    prepare(several, out, Cut(5.0))
    before = {p.name: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(MedgraftError, match=says) as error:
        prepare(several, out, **({"cut": Cut(2.0)} | how))
    assert "\n" not in str(error.value)
    assert {p.name: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("o")] == ["o"]


def test_gaps_are_refused_and_never_filled(tmp_path):
    X = noise()
    X[1, 500] = np.nan
    path = text_file(tmp_path / "r.csv", X)
    cohort = read(pd.DataFrame({"f": [f"{path}::rate={RATE}"]}), signal="f", require_label=False)
    with pytest.raises(MedgraftError, match="missing samples in C2"):
        prepare(cohort, tmp_path / "o", Cut(2.0))
    assert not (tmp_path / "o").exists()


def test_an_event_that_is_nowhere_is_told_with_those_that_are(tmp_path):
    write_edf(tmp_path / "a.edf", np.round(100 * noise()), RATE, ((1.0, 2.0, "T1"), (4.0, 0, "T2")))
    cohort = read(tmp_path / "a.edf", require_label=False)
    with pytest.raises(MedgraftError, match=r"event 't2' is in no recording; there are: 'T1' \(1\), 'T2'"):
        prepare(cohort, tmp_path / "o", Cut(1.0, events={"T1": "a", "t2": "b"}))


def test_a_folder_of_somebody_else_and_a_recording_of_two_patients_are_refused(several, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(MedgraftError, match=r"holds other files \('thesis.tex'\)"):
        prepare(several, tmp_path / "full", Cut(2.0))
    frame = several.table.iloc[[0, 0]].assign(who=["ana", "bo"])
    both = read(frame, signal="file", group="who", require_label=False)
    with pytest.raises(MedgraftError, match="is of 2 patients in the column 'who'"):
        prepare(both, tmp_path / "o", Cut(2.0))


@pytest.mark.parametrize("how", [{"seconds": 0.0}, {"seconds": 1.0, "overlap": 1.0}, {"seconds": np.inf}])
def test_windows_without_length_or_step_are_refused(how):
    with pytest.raises(MedgraftError, match="Windows last more than 0 seconds"):
        Cut(**how)


def test_spans_of_a_file_are_one_recording_and_its_variables_are_several():
    cells = ["a.mat::variable=x;start=1;seconds=2", "a.mat::variable=x", "a.mat::variable=y"]
    assert recordings_of(pd.Series(cells)) == {"a.mat::variable=x": [0, 1], "a.mat::variable=y": [2]}


def test_windows_of_real_motor_imagery_are_those_that_mne_finds(tmp_path, shared_data):
    real = shared_data("eegmmi_s001")
    import mne

    cohort = read(real / "S001R04.edf", require_label=False)
    cut = Cut(2.0, events={"T1": "left", "T2": "right"}, first=0.5)
    made = prepare(cohort, tmp_path / "o", cut, reading="channels=C3|C4").manifest
    raw = mne.io.read_raw_edf(real / "S001R04.edf", preload=True, verbose="ERROR").pick(["C3..", "C4.."])
    found = [(a["onset"] + 0.5, a["description"]) for a in raw.annotations if a["description"] != "T0"]
    assert made["label"].tolist() == [{"T1": "left", "T2": "right"}[text] for _, text in found]
    for signal, (start, _) in zip(opened(tmp_path / "o", made), found, strict=True):
        first = round(start * 160)
        np.testing.assert_array_equal(
            signal.values, raw.get_data()[:, first : first + 320].astype(np.float32)
        )
