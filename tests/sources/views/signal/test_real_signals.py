"""Real EEG and ECG: what is known of them is seen by the views."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample
from medgraft.sources.alignment import euclidean_alignment
from medgraft.sources.signal_epochs import epochs
from medgraft.sources.signals import SignalInput
from medgraft.sources.views import read_view
from medgraft.sources.views.signal.stockwell import Stockwell


def test_closed_eyes_show_more_alpha_than_open_ones_in_bonn(shared_data):
    view = read_view("band-power:relative=true,log=false")
    place = view.names(open_sample("signal", _some(shared_data("bonn_eeg") / "A_Z", 1)[0])).index("1 alpha")
    opened, closed = (
        np.array([view(open_sample("signal", s))[place] for s in _some(shared_data("bonn_eeg") / folder, 40)])
        for folder in ("A_Z", "B_O")
    )
    assert np.mean(closed[:, None] > opened) > 0.8  # Berger 1929


def test_a_seizure_has_the_longest_lines_in_bonn(shared_data):
    view = read_view("statistics")
    lengths = {
        folder: np.median(
            [view(open_sample("signal", s))[4] for s in _some(shared_data("bonn_eeg") / folder, 20)]
        )
        for folder in ("A_Z", "B_O", "C_N", "D_F", "E_S")
    }
    assert max(lengths, key=lengths.get) == "E_S"


def test_a_recordings_channels_are_found_by_their_usual_names_and_its_epochs_are_aligned(shared_data):
    pytest.importorskip("mne", reason="EDF needs mne")
    runs = [shared_data("eegmmi_s001") / f"S001{run}.edf" for run in ("R03", "R04")]
    given = SignalInput.of("rate=80,channels=C3|Cz|C4|O1|O2,low=4,high=35")
    trials = [(e, run.stem) for run in runs for e in epochs(given.open(str(run)), 4.0)]
    assert len(trials) == 62 and trials[0][0].values.shape == (5, 320)
    align = euclidean_alignment([e for e, _ in trials], [run for _, run in trials])
    for run in ("S001R03", "S001R04"):
        own = np.array([align(e, run).values.astype(float) for e, name in trials if name == run])
        mean = (own @ own.swapaxes(1, 2) / 320).mean(axis=0)
        np.testing.assert_allclose(mean, np.eye(5), atol=1e-6)


def test_the_heart_rate_is_where_it_is_annotated_in_the_stockwell_transform(shared_data):
    pytest.importorskip("wfdb", reason="WFDB needs wfdb")
    record = shared_data("ecg_wfdb") / "100.hea"
    (minute,) = epochs(open_sample("signal", str(record)), 60.0, onsets=[0.0])
    lead = SignalInput(channels=("MLII",), rate=60.0, low=0.5, high=20.0)(minute)
    x = np.abs(lead.values[0].astype(float))  # a beat is a burst of either sign
    f = np.arange(0.7, 2.0, 1 / 60)
    rows = np.array(list(Stockwell()._rows(x - x.mean(), 60.0, f)))
    assert f[rows.mean(axis=1).argmax()] * 60 == pytest.approx(74, abs=3)  # 74 beats in its first minute


def test_a_real_recording_with_gaps_is_refused_by_its_channels(shared_data):
    pytest.importorskip("wfdb", reason="WFDB needs wfdb")
    with pytest.raises(MedgraftError, match=r"v102s.*missing samples in II, V, PLETH, RESP"):
        SignalInput().open(str(shared_data("ecg_wfdb") / "v102s.hea"))


def _some(folder, n):
    return [f"{path}::rate=173.61" for path in sorted(folder.iterdir())[:n]]
