from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.learners.hopfield import HopfieldLearner, Memory, bits, quantiles

STORAGES = ["hebb", "pseudo-inverse"]


def patterns(n, count, seed=0):
    return np.where(np.random.default_rng(seed).random((n, count)) < 0.5, -1.0, 1.0)


@pytest.mark.parametrize(("storage", "count"), [("hebb", 8), ("pseudo-inverse", 60)])
def test_stored_patterns_are_fixed_points_below_capacity(storage, count):
    P = patterns(200, count)  # 0.04 N for Hebb, 0.3 N for the pseudo-inverse
    np.testing.assert_array_equal(Memory.of(P, storage).settle(P.T), P.T)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_damaged_pattern_is_repaired(storage):
    P = patterns(200, 5)
    damaged = P.T.copy()
    damaged[:, np.random.default_rng(1).permutation(200)[:30]] *= -1
    np.testing.assert_array_equal(Memory.of(P, storage).settle(damaged), P.T)


def test_hebbs_memory_forgets_above_its_capacity():
    P = patterns(100, 60)
    assert (Memory.of(P, "hebb").settle(P.T) != P.T).any()


@pytest.mark.parametrize("storage", STORAGES)
def test_the_energy_never_rises_and_is_that_of_the_weights(storage):
    P = patterns(60, 20)
    memory = Memory.of(P, storage)
    W = memory.weights()
    np.testing.assert_allclose(W, W.T, atol=1e-12)
    assert (np.diag(W) == 0).all()
    S = patterns(60, 12, seed=5).T
    np.testing.assert_allclose(memory.energy(S), -0.5 * np.einsum("ni,ij,nj->n", S, W, S), atol=1e-9)
    last = memory.energy(S)
    for _ in range(10):
        S = memory.settle(S, sweeps=1)
        assert (memory.energy(S) <= last + 1e-9).all()
        last = memory.energy(S)


@pytest.mark.parametrize("storage", STORAGES)
def test_settling_is_what_one_neuron_after_the_other_does(storage):
    P = patterns(40, 9)
    memory = Memory.of(P, storage)
    W, S = memory.weights(), patterns(40, 6, seed=3).T
    for s, got in zip(S.copy(), memory.settle(S), strict=True):
        for _ in range(100):
            before = s.copy()
            for i in range(40):
                field = W[i] @ s
                if abs(field) > 1e-9:
                    s[i] = np.sign(field)
            if (s == before).all():
                break
        np.testing.assert_array_equal(s, got)


def test_weights_are_hebbs_rule_and_the_projection():
    P = patterns(30, 4)
    hebb = P @ P.T / 30
    projection = P @ np.linalg.pinv(P)
    for storage, full in (("hebb", hebb), ("pseudo-inverse", projection)):
        expected = full - np.diag(np.diag(full))
        np.testing.assert_allclose(Memory.of(P, storage).weights(), expected, atol=1e-10)


def test_bits_tell_on_which_side_of_each_quantile_a_value_lies():
    Z = np.arange(8.0)[:, None]
    thresholds = quantiles(Z, np.ones(8), 3)
    np.testing.assert_allclose(thresholds[:, 0], [1.5, 3.5, 5.5])
    np.testing.assert_array_equal(bits(Z, thresholds)[[0, 3, 7]], [[-1, -1, -1], [1, -1, -1], [1, 1, 1]])


def test_patterns_are_the_signs_of_means_of_three_or_more_patients():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 20))
    m = HopfieldLearner(patterns=50).fit(X, np.repeat([0, 1], 15))
    assert m.patterns_.shape[0] == 60 and m.patterns_.shape[1] <= 10
    assert set(np.unique(m.patterns_)) == {-1.0, 1.0}
