"""Signals in one shape: rates, bands, lengths, channels, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.montage import pick
from medgraft.sources.signal_agree import agree
from medgraft.sources.signal_artefacts import artefacts
from medgraft.sources.signal_epochs import epochs
from medgraft.sources.signals import SignalInput, scaled


def signal(channels=("Fz", "C3", "C4"), rate=200.0, seconds=5.0, seed=0, unit="uV"):
    X = np.random.default_rng(seed).normal(size=(len(channels), round(rate * seconds))).astype(np.float32)
    return Signal(X, rate, tuple(channels), (unit,) * len(channels))


def sine(frequency, rate=200.0, seconds=20.0, amplitude=1.0):
    t = np.arange(round(rate * seconds)) / rate
    return Signal(
        (amplitude * np.sin(2 * np.pi * frequency * t))[None].astype(np.float32), rate, ("A",), ("",)
    )


def gain(given, frequency):
    """Amplitude of a sine in the middle after the input was applied."""
    out = given(sine(frequency)).values[0].astype(float)
    middle = out[len(out) // 4 : -len(out) // 4]
    return np.sqrt(2 * np.mean(middle**2))


def test_nothing_asked_for_changes_nothing():
    s = signal()
    out = SignalInput()(s)
    np.testing.assert_array_equal(out.values, s.values)
    assert (out.rate, out.channels, out.units) == (s.rate, s.channels, s.units)


def test_channels_come_in_the_order_asked_for_under_the_names_asked_for():
    s = signal(("EEG C4-REF", "C3..", "EEG CZ"))
    out = SignalInput(channels=("Cz", "C3", "C4-Ref"))(s)
    assert out.channels == ("Cz", "C3", "C4-Ref")
    np.testing.assert_array_equal(out.values, s.values[[2, 1, 0]])


def test_a_channel_that_is_not_there_or_there_twice_is_refused_by_name():
    with pytest.raises(MedgraftError, match="no channel 'C5'"):
        pick(signal(), ("C3", "C5"))
    with pytest.raises(MedgraftError, match=r"'C3' is ambiguous: the signal has C3\., EEG C3"):
        pick(signal(("C3.", "EEG C3")), ("C3",))


def test_resampling_keeps_a_sine_below_half_the_new_rate_and_stops_one_above_it():
    slow = SignalInput(rate=80.0)(sine(10.0))
    assert slow.rate == 80.0 and slow.values.shape == (1, 1600)
    t = np.arange(1600) / 80
    np.testing.assert_allclose(slow.values[0, 100:-100], np.sin(2 * np.pi * 10 * t)[100:-100], atol=2e-3)
    assert gain(SignalInput(rate=80.0), 70.0) < 0.01  # would be seen at 10 Hz


def test_resampling_is_scipys_and_a_line_stays_a_line():
    s = signal()
    out = SignalInput(rate=160.0)(s)
    X = s.values.astype(float)
    line = np.linspace(X[:, 0], X[:, -1], 1000, axis=1)
    truth = resample_poly(X - line, 4, 5, axis=1) + X[:, :1] + (X[:, -1:] - X[:, :1]) * np.arange(800) / 799.2
    np.testing.assert_allclose(out.values, truth, rtol=1e-5, atol=1e-6)
    line = Signal((100 + np.arange(1000) / 200)[None].astype(np.float32), 200.0, ("A",), ("",))
    up = SignalInput(rate=500.0)(line).values[0]
    np.testing.assert_allclose(up, 100 + np.arange(2500) / 500, rtol=1e-6)  # and so is an offset


def test_an_odd_rate_is_met_so_that_a_sine_keeps_its_phase_to_the_end():
    s = sine(10.0, rate=173.61, seconds=4097 / 173.61)
    out = SignalInput(rate=160.0)(s)
    t = np.arange(out.values.shape[1]) / 160
    np.testing.assert_allclose(out.values[0, 100:-100], np.sin(2 * np.pi * 10 * t)[100:-100], atol=3e-3)


@pytest.mark.parametrize("frequency", [2.0, 5.0, 8.0, 20.0])
def test_the_gain_is_that_of_a_butterworth_filter_run_twice(frequency):
    def warp(f):
        return np.tan(np.pi * f / 200)  # of the bilinear transform

    low = 1 / (1 + (warp(frequency) / warp(8.0)) ** 8)
    assert gain(SignalInput(high=8.0), frequency) == pytest.approx(low, abs=2e-3)
    high = 1 / (1 + (warp(5.0) / warp(frequency)) ** 8)
    assert gain(SignalInput(low=5.0), frequency) == pytest.approx(high, abs=2e-3)


def test_filters_delay_nothing():
    t = np.arange(2000) / 200
    pulse = np.exp(-(((t - 5) / 0.05) ** 2)).astype(np.float32)[None]
    out = SignalInput(low=1.0, high=40.0)(Signal(pulse, 200.0, ("A",), ("",)))
    assert out.values[0].argmax() == 1000


def test_the_notch_takes_the_mains_and_leaves_its_neighbours():
    given = SignalInput(notch=50.0)
    assert gain(given, 50.0) < 0.01
    assert gain(given, 40.0) > 0.98 and gain(given, 60.0) > 0.98


def test_the_middle_is_cut_out_of_a_longer_signal():
    s = Signal(np.arange(11, dtype=np.float32)[None], 2.0, ("A",), ("",))
    np.testing.assert_array_equal(SignalInput(seconds=2.0)(s).values, [[3, 4, 5, 6]])
    assert SignalInput.of("rate=160,seconds=4,channels=C3|Cz|C4").shape == (3, 640)


def test_what_is_too_short_is_refused_and_never_filled_up():
    with pytest.raises(MedgraftError, match="lasts 5 seconds, and 5.005 are asked for"):
        SignalInput(seconds=5.005)(signal())
    with pytest.raises(MedgraftError, match="too few to be filtered"):
        SignalInput(low=1.0)(signal(seconds=0.05))
    with pytest.raises(MedgraftError, match="one shape only where"):
        _ = SignalInput(rate=100.0).shape


def test_scales_have_the_mean_and_the_spread_they_promise_and_a_flat_channel_is_zero():
    X = np.random.default_rng(0).gamma(2.0, size=(3, 4001)) * [[1.0], [50.0], [0.0]] + 7
    z = scaled(X, "zscore")
    np.testing.assert_allclose(z[:2].mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(z[:2].std(axis=1), 1)
    r = scaled(X, "robust")
    np.testing.assert_allclose(np.median(r[:2], axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(np.subtract(*np.percentile(r[:2], [75, 25], axis=1)), 1.34898, rtol=1e-5)
    assert (z[2] == 0).all() and (r[2] == 0).all()


def test_the_given_signal_is_left_as_it_was_and_settings_survive_json():
    s = signal()
    before = s.values.copy()
    given = SignalInput.of("rate=100,seconds=2,channels=C4|C3,low=1,high=30,notch=45,scale=robust")
    out = given(s)
    np.testing.assert_array_equal(s.values, before)
    assert out.values.dtype == np.float32 and out.values.shape == given.shape == (2, 200)
    assert SignalInput.of(given.to_dict()) == given


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("rates=100", "Did you mean 'rate'"),
        ("rate=fast", "takes a number for rate"),
        ("rate=-1", "a number from 0 on"),
        ("low=30,high=10", "band of signals is empty"),
        ("rate=100,high=60", "not below half the rate, 50 Hz"),
        ("scale=log", "know no scale 'log'"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(spec, words):
    with pytest.raises(MedgraftError, match=words):
        SignalInput.of(spec)


def test_a_band_beyond_the_recorded_rate_and_gaps_are_refused():
    with pytest.raises(MedgraftError, match="notch=100"):
        SignalInput(notch=100.0)(signal())
    s = signal()
    s.values[2, 0] = np.inf
    with pytest.raises(MedgraftError, match="missing samples in C4"):
        SignalInput()(s)


def test_a_refused_file_is_named(tmp_path):
    file = tmp_path / "p1.txt"
    file.write_text("\n".join(map(str, range(20))))
    out = SignalInput(seconds=2.0).open(f"{file}::rate=5")
    np.testing.assert_array_equal(out.values, [np.arange(5, 15)])
    with pytest.raises(MedgraftError, match=r"p1\.txt.*no channel 'C3'"):
        SignalInput(channels=("C3",)).open(str(file))


def test_signals_agree_on_what_all_have_and_every_loss_is_told():
    a = signal(("Fz", "EEG C3", "C4"), 200.0, 5.0)
    b = signal(("C4.", "c3", "Oz"), 160.0, 4.5, unit="mV")
    given, lost = agree(iter([a, b]))
    assert given == SignalInput(rate=160.0, seconds=4.5, channels=("EEG C3", "C4"))
    assert [given(s).values.shape for s in (a, b)] == [given.shape] * 2 == [(2, 720)] * 2
    assert len(lost) == 4
    assert "2 are not in every signal and are dropped: Fz, Oz" in lost[0]
    assert "from 160 to 200 Hz" in lost[1] and "from 4.5 to 5 seconds" in lost[2]
    assert "Units differ between signals in EEG C3, C4" in lost[3]


def test_signals_that_are_alike_lose_nothing_whatever_their_rate():
    for rate in (173.61, 1000 / 3, 250.0):
        found = [signal(rate=rate, seed=i) for i in range(3)]
        given, lost = agree(found)
        assert lost == []
        for s in found:
            np.testing.assert_array_equal(given(s).values, s.values)


def test_channels_of_one_name_are_dropped_and_no_common_channel_is_refused():
    given, lost = agree([signal(("C3", "c3.", "C4"))])
    assert given.channels == ("C4",) and "same name" in lost[0]
    with pytest.raises(MedgraftError, match="No channel is in all 2"):
        agree([signal(("C3",)), signal(("C4",))])
    with pytest.raises(MedgraftError, match="no signals"):
        agree([])


def test_epochs_one_after_the_other_are_the_signal_and_what_is_left_over_is_not_used():
    s = signal(seconds=5.1)
    found = epochs(s, 1.0)
    assert len(found) == 5
    np.testing.assert_array_equal(np.concatenate([e.values for e in found], axis=1), s.values[:, :1000])
    assert len(epochs(s, 1.0, overlap=0.75)) == 17  # 1020 samples, 200 long, 50 apart
    np.testing.assert_array_equal(epochs(s, 0.5, onsets=[4.6])[0].values, s.values[:, 920:1020])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seconds": 6.0}, "lasts 5 seconds, less than an epoch of 6"),
        ({"seconds": 1.0, "onsets": [4.5]}, "from 4.5 on does not lie within"),
        ({"seconds": 1.0, "onsets": [-0.1]}, "from -0.1 on"),
        ({"seconds": 1.0, "overlap": 1.0}, "overlap from 0 to below 1"),
        ({"seconds": 1.0, "overlap": 0.5, "onsets": [0.0]}, "one of the two"),
    ],
)
def test_epochs_that_are_not_whole_are_refused(given, words):
    with pytest.raises(MedgraftError, match=words):
        epochs(signal(), **given)


def planted():
    t = np.arange(2500) / 250
    alpha = np.sin(2 * np.pi * 10 * t)
    rng = np.random.default_rng(0)
    rows = {
        "good": alpha + 0.1 * rng.normal(size=2500),
        "flat": np.full(2500, 3.0),
        "clipped": np.clip(1.2 * alpha, -1, 1),
        "range": 30 * alpha,
        "line": alpha + np.sin(2 * np.pi * 50 * t),
        "high": 0.3 * alpha + rng.normal(size=2500),
    }
    return Signal(np.array(list(rows.values()), dtype=np.float32), 250.0, tuple(rows), ("mV",) * 6)


def test_each_planted_artefact_is_flagged_in_its_channel_and_in_no_other():
    s = planted()
    flags = artefacts(s)
    assert list(flags) == ["flat", "clipped", "range", "line", "high"]
    for name, found in flags.items():
        assert [c for c, bad in zip(s.channels, found, strict=True) if bad] == [name]


def test_what_cannot_be_seen_is_no_finding():
    s = planted()
    unknown = Signal(s.values, s.rate, s.channels, ("",) * 6)
    assert not artefacts(unknown)["range"].any() and artefacts(unknown, largest=20.0)["range"][3]
    slow = Signal(s.values[:, ::5].copy(), 50.0, s.channels, s.units)
    assert not artefacts(slow)["line"].any() and not artefacts(slow)["high"].any()
    assert not artefacts(Signal(s.values[:, :50], 250.0, s.channels, s.units))["line"].any()
    assert artefacts(s, line=60.0)["line"].sum() == 0
    with pytest.raises(MedgraftError, match="line above 0"):
        artefacts(s, line=0.0)
