"""Scalogram and Stockwell transform: ridges on instantaneous frequencies, sums, amplitudes, naive sums."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.cohort.media import Signal
from medgraft.sources.views.signal.base import shares
from medgraft.sources.views.signal.scalogram import Scalogram, morlet
from medgraft.sources.views.signal.stockwell import Stockwell, stockwell

RATE, N = 250.0, 2000
T = np.arange(N) / RATE  # eight seconds


def chirp(start, end):
    """A linear chirp and its instantaneous frequency."""
    slope = (end - start) / T[-1]
    return np.cos(2 * np.pi * (start * T + slope * T**2 / 2)), start + slope * T


def test_the_ridge_of_a_chirp_lies_on_its_instantaneous_frequency_in_the_stockwell_transform():
    x, truth = chirp(10, 60)
    waves = np.arange(1, N // 2 + 1)
    S = np.abs(list(stockwell(x, waves)))
    ridge = waves[S.argmax(axis=0)] * RATE / N
    middle = slice(N // 10, -N // 10)
    assert np.abs(ridge - truth)[middle].max() < 0.5  # frequencies run over 50 Hz, 0.125 Hz apart


def test_the_ridge_of_a_chirp_lies_on_its_instantaneous_frequency_in_the_scalogram():
    x, truth = chirp(10, 60)
    f = np.geomspace(4, 100, 400)  # steps of 0.8 %
    W = np.abs(list(morlet(x, RATE, f)))
    ridge = f[W.argmax(axis=0)]
    middle = slice(N // 10, -N // 10)
    assert np.abs(ridge / truth - 1)[middle].max() < 0.02


def test_a_chirps_ridge_lies_on_its_frequency_in_the_pictures_too():
    x, truth = chirp(10, 60)
    s = Signal(x[None].astype(np.float32), RATE, ("A",), ("",))
    for made in (
        Scalogram(low=5, high=80, size=128, depth=20),
        Stockwell(low=5, high=80, size=128, depth=20),
    ):
        seen = made.picture(s)[::-1].astype(float)
        ridge = made._middles(RATE, N, 128)[seen.argmax(axis=0)]
        wanted = shares(truth, 128)
        assert (
            np.abs(ridge / wanted - 1)[13:-13].max() < 0.06
        )  # rows are 2 % or 0.6 Hz apart, greys are rounded


def test_the_stockwell_transform_summed_over_time_is_the_fourier_transform():
    x = np.random.default_rng(0).normal(size=301) + 2
    waves = np.arange(1, 151)
    total = np.array([row.sum() for row in stockwell(x, waves)])
    np.testing.assert_allclose(total, np.fft.fft(x)[1:151], rtol=1e-9, atol=1e-9)


def test_the_stockwell_transform_is_a_naive_sum_over_windows_in_time():
    # the defining integral, over periods: windows of Gaussians as long as the waves
    x = np.random.default_rng(1).normal(size=64)
    n, t = np.array([3, 8, 20]), np.arange(64)
    got = np.array(list(stockwell(x, n)))
    for row, k in zip(got, n, strict=True):
        f = k / 64
        for tau in (0, 17, 40):
            window = sum(
                abs(f) / np.sqrt(2 * np.pi) * np.exp(-(((tau - t + 64 * wrap) * f) ** 2) / 2)
                for wrap in range(-30, 31)
            )
            assert row[tau] == pytest.approx((x * window * np.exp(-2j * np.pi * f * t)).sum(), abs=1e-3)


def test_the_scalogram_is_a_naive_convolution_with_morlets_wavelet():
    x = np.random.default_rng(2).normal(size=N)
    f = np.array([8.0, 20.0, 50.0])
    got = np.array(list(morlet(x, RATE, f, 6.0)))
    for row, frequency in zip(got, f, strict=True):
        a = 6.0 / (2 * np.pi * frequency)
        for at in (800, 1111):
            u = (T - T[at]) / a
            psi = np.exp(-(u**2) / 2 + 6j * u) / np.sqrt(2 * np.pi)
            truth = 2 / a * ((x - x.mean()) * psi.conj()).sum() / RATE
            assert row[at] == pytest.approx(truth, abs=1e-6)


def test_ends_that_differ_make_no_edge_in_the_scalogram():
    (mirrored,) = morlet(T, RATE, np.array([50.0]))  # a ramp over eight
    (jump,) = morlet(np.roll(T, 1000), RATE, np.array([50.0]))
    assert np.abs(mirrored).max() < 0.01 * np.abs(jump).max()


@pytest.mark.parametrize("frequency", [8.0, 16.0, 40.0])
def test_a_sine_has_its_amplitude_at_its_frequency_whatever_that_is(frequency):
    x = 3 * np.sin(2 * np.pi * frequency * T)
    (row,) = morlet(x, RATE, np.array([frequency]))
    np.testing.assert_allclose(np.abs(row)[500:1500], 3, rtol=1e-6)
    (row,) = stockwell(x, np.array([int(frequency * 8)]))
    np.testing.assert_allclose(2 * np.abs(row), 3, rtol=1e-6)


def test_phases_of_the_stockwell_transform_refer_to_time_zero():
    x = np.cos(2 * np.pi * 16 * T + 0.7)
    (row,) = stockwell(x, np.array([128]))
    np.testing.assert_allclose(np.angle(row), 0.7, atol=1e-6)


@pytest.mark.parametrize("made", [Scalogram(bands=4, times=3), Stockwell(bands=4, times=3)])
def test_numbers_are_means_of_amplitudes_over_their_cells(made):
    s = Signal(np.random.default_rng(0).normal(size=(1, 600)).astype(np.float32), RATE, ("A",), ("",))
    f = made._middles(RATE, 600, 16)
    A = np.array(list(made._rows(s.values[0].astype(float), RATE, f)))
    truth = A.reshape(4, 4, 3, 200).mean(axis=(1, 3))
    np.testing.assert_allclose(made(s).reshape(4, 3), np.log10(truth), rtol=1e-5)
    low, high = 4 * RATE / 600, 0.4 * RATE
    assert low < f[0] < f[-1] < high


def test_a_greys_distance_is_its_distance_in_decibels():
    x = np.sin(2 * np.pi * 20 * T) * np.where(T < 4, 1.0, 0.1)  # 20 dB less in the second half
    s = Signal(x[None].astype(np.float32), RATE, ("A",), ("",))
    seen = Scalogram(low=10, high=40, size=64, depth=60).picture(s).astype(float)
    row = np.abs(Scalogram(low=10, high=40, size=64)._middles(RATE, N, 64)[::-1] - 20).argmin()
    assert seen[row, 16] - seen[row, 48] == pytest.approx(255 * 20 / 60, abs=1.1)
