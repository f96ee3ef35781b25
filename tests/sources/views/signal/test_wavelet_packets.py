"""Wavelet packets: published filters, conservation of energy, a loop, PyWavelets."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.cohort.media import Signal
from medgraft.sources.views.signal.daubechies import packets, scaling_filter
from medgraft.sources.views.signal.moments import moments
from medgraft.sources.views.signal.wavelet_packets import WaveletPackets


def test_the_filter_of_two_moments_is_the_one_with_a_closed_form():
    root = np.sqrt(3)
    truth = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2))
    np.testing.assert_allclose(scaling_filter(2), truth, atol=1e-14)


@pytest.mark.parametrize("n", range(1, 11))
def test_filters_are_orthonormal_to_their_even_shifts_and_kill_polynomials(n):
    h = scaling_filter(n)
    for shift in range(0, 2 * n, 2):
        assert h[shift:] @ h[: 2 * n - shift] == pytest.approx(float(shift == 0), abs=1e-10)
    g = h[::-1] * (-1.0) ** np.arange(2 * n)
    at = np.arange(2 * n) / (2 * n)
    assert max(abs(g @ at**k) for k in range(n)) < 1e-6


@pytest.mark.parametrize("n", [1, 4, 10])
@pytest.mark.parametrize("level", [1, 3, 5])
def test_the_energies_of_the_nodes_sum_to_that_of_the_signal(n, level):
    X = np.random.default_rng(0).normal(size=(3, 96)) + 2
    np.testing.assert_allclose((packets(X, n, level) ** 2).sum(axis=(1, 2)), (X**2).sum(axis=1), rtol=1e-9)


def test_haars_packets_are_sums_and_differences_of_neighbours():
    got = packets(np.array([1.0, 3.0, 2.0, 8.0]), 1, 2)
    # halves: sums (4, 10), differences (-2, -6), each over root 2; again, the high half turned round
    np.testing.assert_allclose(np.abs(got[:, 0]), [7, 3, 2, 4])


def test_packets_are_those_of_a_plain_recursion():
    x = np.random.default_rng(1).normal(size=32)
    h = scaling_filter(3)
    g = [(-1) ** m * h[5 - m] for m in range(6)]

    def split(v, depth):
        if not depth:
            return [v]
        N = len(v)
        low, high = (
            np.array([sum(f[m] * v[(2 * k + m - 2) % N] for m in range(6)) for k in range(N // 2)])
            for f in (h, g)
        )
        return split(low, depth - 1) + split(high, depth - 1)[::-1]  # Gray code: the high half mirrored

    np.testing.assert_allclose(packets(x, 3, 3), split(x, 3), atol=1e-12)


def test_node_energies_are_those_that_pywavelets_gave():
    # PyWavelets 1.9.0: WaveletPacket(x, "db4", mode="periodization", maxlevel=3).get_level(3, "freq")
    x = np.cos(0.05 * np.arange(64.0) ** 2 / 4) + 0.1 * np.arange(64.0) % 1
    truth = [26.24819282, 8.34331732, 4.92791222, 6.74933734, 3.58315264, 0.52992262, 0.21230232, 0.1923433]
    np.testing.assert_allclose((packets(x, 4, 3) ** 2).sum(axis=1), truth, rtol=1e-7)


def test_coefficients_are_pywavelets_up_to_sign():
    pywt = pytest.importorskip("pywt", reason="PyWavelets is not installed")
    x = np.random.default_rng(0).normal(size=256)
    for n, level in ((1, 4), (4, 3), (10, 2)):
        wp = pywt.WaveletPacket(x, f"db{n}", mode="periodization", maxlevel=level)
        truth = np.array([node.data for node in wp.get_level(level, "freq")])
        np.testing.assert_allclose(np.abs(packets(x, n, level)), np.abs(truth), atol=1e-9)


def test_the_view_is_of_the_middle_of_the_largest_length_that_can_be_halved():
    x = np.random.default_rng(0).normal(size=4097).astype(np.float32)  # as the segments of Bonn
    s = Signal(x[None], 173.61, ("1",), ("",))
    nodes = packets(x[:4096].astype(float), 4, 4)
    energy = (nodes**2).sum(axis=1)
    np.testing.assert_allclose(WaveletPackets()(s), np.log10(energy), rtol=1e-5)
    np.testing.assert_allclose(WaveletPackets(values="share")(s), energy / energy.sum(), rtol=1e-5)
    seen = WaveletPackets(values="statistics")(s).reshape(16, 4)
    np.testing.assert_allclose(seen, moments(nodes), rtol=1e-4, atol=1e-5)
    long = Signal(np.concatenate([[9], x[:4096], [9, 9]])[None].astype(np.float32), 173.61, ("1",), ("",))
    np.testing.assert_array_equal(WaveletPackets()(long), WaveletPackets()(s))


def test_a_sine_is_in_the_node_of_its_frequency():
    t = np.arange(1024) / 128
    made = WaveletPackets(wavelet="db10", level=3, values="share")
    for frequency in (4, 12, 20, 28, 36, 44, 52, 60):  # the middles of the nodes, 8 Hz wide
        s = Signal(np.sin(2 * np.pi * frequency * t)[None].astype(np.float32), 128.0, ("A",), ("",))
        assert made(s).argmax() == frequency // 8
