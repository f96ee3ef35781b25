"""Statistics, band powers and the short-time transform: closed forms, Parseval, scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.signal import spectrogram

from medgraft.cohort.media import Signal
from medgraft.sources.views.signal.band_power import BandPower
from medgraft.sources.views.signal.statistics import Statistics
from medgraft.sources.views.signal.stft import ShortTimeFourier, magnitudes


def one(x, rate=200.0):
    return Signal(np.atleast_2d(x).astype(np.float32), rate, ("A",), ("uV",))


def by_name(made, s):
    return dict(zip(made.names(s), made(s).astype(float), strict=True))


def test_the_statistics_of_four_samples_are_those_worked_out_by_hand():
    got = by_name(Statistics(), one([0.0, 2.0, 1.0, -3.0], rate=2.0))
    # mean 0, variance (0 + 4 + 1 + 9) / 4; steps 2, -1, -4 by the half second, steps of steps -3, -3
    assert got["A mean"] == 0 and got["A sd"] == pytest.approx(np.sqrt(3.5))
    assert got["A skew"] == pytest.approx((8 + 1 - 27) / 4 / 3.5**1.5)
    assert got["A kurtosis"] == pytest.approx((16 + 1 + 81) / 4 / 3.5**2 - 3)
    assert got["A line length"] == pytest.approx(2 * 7 / 3)
    assert got["A mobility"] == pytest.approx(2 * np.sqrt(6.0 / 3.5))
    assert got["A complexity"] == 0  # the steps change evenly
    assert got["A zero crossings"] == pytest.approx(0.5)  # one sign change in two seconds


def test_moments_are_scipys():
    x = np.random.default_rng(0).gamma(2.0, size=500).astype(np.float32).astype(float)
    got = by_name(Statistics(), one(x))
    assert got["A skew"] == pytest.approx(stats.skew(x), rel=1e-5)
    assert got["A kurtosis"] == pytest.approx(stats.kurtosis(x), rel=1e-5)


@pytest.mark.parametrize("rate", [500.0, 2000.0])
def test_a_sine_has_the_mobility_of_its_frequency_and_complexity_one(rate):
    t = np.arange(int(4 * rate)) / rate
    got = by_name(Statistics(), one(3 * np.sin(2 * np.pi * 7 * t + 0.3), rate))
    turn = 2 * rate * np.sin(np.pi * 7 / rate)  # the gain of a difference of neighbours
    assert got["A mobility"] == pytest.approx(turn, rel=1e-3)
    assert got["A complexity"] == pytest.approx(1, rel=1e-3)
    assert got["A zero crossings"] == 14
    assert got["A line length"] == pytest.approx(3 * 4 * 7, rel=1e-3)  # four amplitudes a wave


def test_powers_of_bands_that_cover_all_frequencies_sum_to_the_mean_square_of_the_windowed_signal():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=1000) + 5).astype(np.float32).astype(float)
    made = BandPower(bands="0-3|3-20|20-71.5|71.5-100", seconds=1.0, log=False)
    total = made(one(x)).astype(float).sum()
    w = np.hanning(201)[:-1]
    parts = [x[a : a + 200] - x[a : a + 200].mean() for a in range(0, 801, 100)]
    assert total == pytest.approx(np.mean([((p * w) ** 2).sum() for p in parts]) / (w**2).sum(), rel=1e-5)


def test_white_noise_has_in_each_band_its_variance_times_the_bands_width():
    rng = np.random.default_rng(1)
    s = one(2.0 * rng.normal(size=200_000))
    got = BandPower(bands="5-15|15-35|35-95", seconds=2.0, log=False)(s)
    np.testing.assert_allclose(got, 4.0 * np.array([10, 20, 60]) / 100, rtol=0.03)  # sd of the first: 0.7 %


@pytest.mark.parametrize("frequency", [6.0, 10.0, 20.5])
def test_a_pure_sine_has_half_its_squared_amplitude_in_its_band_and_nothing_elsewhere(frequency):
    t = np.arange(4000) / 200
    made = BandPower(bands="theta@4-8|alpha@8-13|beta@13-30|gamma@30-45", log=False)
    got = by_name(made, one(3 * np.sin(2 * np.pi * frequency * t)))
    (home,) = [n for n, low, high in made._chosen(200.0) if low <= frequency < high]
    assert got.pop(f"A {home}") == pytest.approx(4.5, rel=1e-4)
    assert max(got.values()) < 4.5e-4


def test_relative_powers_sum_to_one_and_the_logarithm_is_decimal():
    s = one(np.random.default_rng(0).normal(size=2000))
    share = BandPower(relative=True, log=False)(s)
    assert share.sum() == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(BandPower(relative=True)(s), np.log10(share), rtol=1e-5)


def test_the_usual_bands_are_cut_at_half_the_rate():
    slow = one(np.random.default_rng(0).normal(size=600), rate=50.0)
    assert BandPower().names(slow) == ["A delta", "A theta", "A alpha", "A beta"]
    assert BandPower()._chosen(50.0)[-1] == ("beta", 13.0, 25.0)


def test_the_short_time_transform_is_scipys():
    X = np.random.default_rng(0).normal(size=(2, 700))
    for window in (64, 65):
        _, _, truth = spectrogram(
            X, window=("hann"), nperseg=window, noverlap=window // 2, detrend=False, scaling="spectrum",
            mode="magnitude",
        )  # fmt: skip
        np.testing.assert_allclose(magnitudes(X, window), 2 * truth, rtol=1e-9)


def test_a_sine_has_its_amplitude_in_the_short_time_transform():
    t = np.arange(1000) / 200
    M = magnitudes(3 * np.sin(2 * np.pi * 20 * t)[None], 200)[0]
    np.testing.assert_allclose(M[20], 3, rtol=1e-9)
    assert M[30:].max() < 1e-9


def test_a_cell_of_the_grid_is_the_mean_of_the_magnitudes_in_it():
    s = one(np.random.default_rng(0).normal(size=1000))
    M = magnitudes(s.values.astype(float), 100)[0]  # 51 frequencies of 2 Hz, 19 windows
    assert M.shape == (51, 19)
    got = ShortTimeFourier(seconds=0.5, bands=5, times=2)(s).reshape(5, 2)
    truth = [[M[1 + 10 * b : 11 + 10 * b, a:z].mean() for a, z in ((0, 9), (9, 19))] for b in range(5)]
    np.testing.assert_allclose(got, np.log10(truth), rtol=1e-5)
    assert ShortTimeFourier(seconds=0.5, bands=5, times=2).names(s)[1] == "A 0-20 Hz 2.5-5 s"
