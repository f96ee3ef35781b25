"""One contract for all views of signals: names, shapes, gaps, and no influence of what must have none."""

from __future__ import annotations

import re

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.views import read_view, view, views
from medgraft.sources.views.base import View

SIGNAL = [name for name in views if views[name].kind == "signal"]
PICTURES = [name for name in SIGNAL if hasattr(views[name], "picture")]
every_view = pytest.mark.parametrize("name", SIGNAL)


def signal(channels=3, samples=1000, rate=200.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(channels, samples)).cumsum(axis=1) * 0.1 + rng.normal(size=(channels, samples))
    names = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"[:channels])
    return Signal(X.astype(np.float32), rate, names, ("uV",) * channels)


def test_the_views_of_signals_are_those_announced():
    assert set(SIGNAL) == {
        "statistics",
        "band-power",
        "wavelet-packets",
        "stft",
        "scalogram",
        "stockwell",
        "covariance-tangent",
    }
    assert PICTURES == ["scalogram", "stockwell"]


@every_view
def test_there_is_a_name_for_each_number_and_each_name_comes_once(name):
    s, made = signal(), views[name]()
    row, names = made(s), made.names(s)
    assert row.dtype == np.float32 and row.shape == (len(names),) == (len(set(names)),)
    assert np.isfinite(row).all()
    assert made.names(signal(seed=1)) == names


@every_view
def test_a_view_reads_its_own_text_and_says_when_to_use_it_and_when_not(name):
    made = views[name]()
    assert read_view(str(made)) == made
    assert str(made).split(":")[0] == made.name == name
    text = views[name].__doc__
    assert re.search(r"\bUse it\b", text) and re.search(r"\bNot\b", text) and views[name].refs


@every_view
def test_the_samples_stay_as_they_were_and_a_second_look_sees_the_same(name):
    s, made = signal(), views[name]()
    before = s.values.copy()
    first = made(s)
    np.testing.assert_array_equal(s.values, before)
    np.testing.assert_array_equal(first, made(s))


@every_view
def test_channels_in_another_order_give_the_same_numbers_by_name(name):
    s, made = signal(), views[name]()
    turned = Signal(s.values[::-1], s.rate, s.channels[::-1], s.units)
    a, b = (dict(zip(made.names(x), made(x), strict=True)) for x in (s, turned))
    if name == "covariance-tangent":
        b = {" ".join([*sorted(k.split()[:2]), k.split()[2]]): v for k, v in b.items()}
    assert a.keys() == b.keys()
    np.testing.assert_allclose([a[k] for k in a], [b[k] for k in a], rtol=1e-5, atol=1e-6)


@every_view
def test_a_gap_is_refused_by_the_channels_name_and_a_flat_channel_gives_gaps_or_zeros(name):
    s, made = signal(), views[name]()
    holes = s.values.copy()
    holes[1, 5] = np.nan
    with pytest.raises(MedgraftError, match="missing samples in B"):
        made(Signal(holes, s.rate, s.channels, s.units))
    flat = s.values.copy()
    flat[1] = 0.0
    row = dict(zip(made.names(s), made(Signal(flat, s.rate, s.channels, s.units)), strict=True))
    if name != "covariance-tangent":  # its shrinkage gives every channel a variance
        assert all(np.isnan(v) or v == 0 for k, v in row.items() if k.startswith("B "))
    assert all(np.isfinite(v) for k, v in row.items() if not k.startswith("B "))


@every_view
def test_two_channels_of_one_name_are_told_apart(name):
    s, made = signal(2), views[name]()
    names = made.names(Signal(s.values, s.rate, ("V1", "V1"), s.units))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_bytes_of_the_size_asked_for_whatever_the_channels(name):
    made = read_view(f"{name}:size=64")
    for channels, shape in ((1, (64, 64)), (2, (64, 64)), (3, (64, 64, 3)), (5, (64, 64))):
        seen = made.picture(signal(channels))
        assert seen.dtype == np.uint8 and seen.shape == shape and seen.max() == 255
    with pytest.raises(MedgraftError, match="no room for 9 channels"):
        made.picture(signal(9))
    nothing = Signal(np.zeros((1, 400), np.float32), 100.0, ("A",), ("uV",))
    assert made.picture(nothing).max() == 0


@pytest.mark.parametrize("name", PICTURES)
def test_three_channels_are_the_planes_of_a_picture_and_others_its_strips(name):
    s = signal(3)
    only = s.values.copy()
    only[[0, 2]] = 0.0
    planes = read_view(f"{name}:size=64").picture(Signal(only, s.rate, s.channels, s.units))
    assert planes[:, :, 1].max() == 255 and planes[:, :, [0, 2]].max() == 0
    two = read_view(f"{name}:size=64").picture(Signal(only[:2], s.rate, s.channels[:2], s.units[:2]))
    assert two[:32].max() == 0 and two[32:].max() == 255


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_does_not_change_with_the_unit_of_measurement(name):
    s, made = signal(1), read_view(f"{name}:size=64")
    volts = Signal(s.values * np.float32(2.0**-20), s.rate, s.channels, ("V",))
    np.testing.assert_array_equal(made.picture(s), made.picture(volts))


@pytest.mark.parametrize("name", PICTURES)
def test_high_frequencies_stand_at_the_top_and_time_runs_to_the_right(name):
    t = np.arange(1000) / 200
    x = np.where(t < 2.5, np.sin(2 * np.pi * 5 * t), np.sin(2 * np.pi * 60 * t))
    s = Signal(x[None].astype(np.float32), 200.0, ("A",), ("",))
    seen = read_view(f"{name}:size=64").picture(s).astype(float)
    assert seen[:, 8:24].mean(axis=1).argmax() > 32 > seen[:, 40:56].mean(axis=1).argmax()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("bandpower", "Did you mean 'band-power'"),
        ("stft:second=1", "Did you mean 'seconds'"),
        ("stft:bands=many", "takes a whole number for bands, not 'many'"),
        ("stft:bands", "without a value"),
        ("band-power:log=perhaps", "takes true or false for log"),
        ("band-power:bands=alpha", "write name@low-high"),
        ("band-power:bands=a@1-2|a@2-3", "same name"),
        ("wavelet-packets:wavelet=sym4", "no wavelet 'sym4'"),
        ("wavelet-packets:level=9", "level from 1 to 8"),
        ("wavelet-packets:values=mean", "know no values 'mean'"),
        ("covariance-tangent:shrinkage=2", "from 0 to 1"),
        ("scalogram:waves=1", "waves=1 of a view must be 4 or more"),
        ("stockwell:size=0", "size=0"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(spec, words):
    with pytest.raises(MedgraftError, match=words):
        read_view(spec)


def test_a_view_of_another_kind_is_refused():
    with pytest.raises(MedgraftError, match="of a signal, not of a sequence"):
        read_view("stft", kind="sequence")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("stft:seconds=9", "windows of 1800 samples, and the signal has 1000"),
        ("stft:times=50", "fewer cells"),
        ("stft:high=150", "above half the rate"),
        ("band-power:bands=x@50-120", "above half the rate"),
        ("band-power:bands=x@50.1-50.4", "holds no frequency"),
        ("scalogram:high=120", "choose low and high"),
        ("stockwell:low=90", "choose low and high"),
    ],
)
def test_settings_that_do_not_fit_the_signal_are_refused_in_a_sentence(spec, words):
    with pytest.raises(MedgraftError, match=words):
        read_view(spec)(signal())


def test_a_signal_whose_rate_was_not_said_has_no_band_and_is_told_so():
    with pytest.raises(MedgraftError, match="A signal of 1 Hz has no band of EEG"):
        read_view("band-power")(signal(rate=1.0))


def test_a_signal_too_short_to_be_halved_or_of_dependent_channels_is_refused():
    with pytest.raises(MedgraftError, match="need 32"):
        read_view("wavelet-packets")(signal(samples=20))
    s = signal()
    twice = Signal(s.values[[0, 1, 0]], s.rate, s.channels, s.units)
    with pytest.raises(MedgraftError, match="rank 2 of 3"):
        read_view("covariance-tangent:shrinkage=0")(twice)


def test_the_author_of_a_view_is_told_what_it_lacks():
    class Bare(View):
        pass

    with pytest.raises(ValueError, match="unknown kind"):
        view("mine", kind="smell")
    with pytest.raises(ValueError, match="docstring"):
        Bare.__doc__ = ""
        view("mine", kind="signal")(Bare)
