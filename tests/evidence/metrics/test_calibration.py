import numpy as np
import pytest

from medgraft.evidence.metrics import metrics
from medgraft.evidence.metrics.calibration import equal_mass_bins


def naive(predicted, happened, bins):
    """Equal-mass bins by walking through the sorted rows; no ties."""
    order = np.argsort(predicted)
    total = 0.0
    for part in np.array_split(order, bins):
        total += abs((happened[part] - predicted[part]).sum())
    return total / len(order)


def test_error_equals_the_walk_through_sorted_rows():
    rng = np.random.default_rng(0)
    score, y = rng.random(100), rng.integers(0, 2, 100)
    p = np.stack([1 - score, score], axis=1)
    assert metrics["ece"].value(y, p) == pytest.approx(naive(score, y, 10), abs=1e-14)


def test_several_classes_are_judged_by_their_most_probable():
    rng = np.random.default_rng(1)
    p, y = rng.dirichlet(np.ones(3), 100), rng.integers(0, 3, 100)
    expected = naive(p.max(axis=1), (p.argmax(axis=1) == y).astype(float), 10)
    assert metrics["ece"].value(y, p) == pytest.approx(expected, abs=1e-14)


def test_a_constant_prediction_errs_by_its_distance_from_the_prevalence():
    y = np.array([1] * 3 + [0] * 7)
    p = np.tile([0.5, 0.5], (10, 1))
    assert metrics["ece"].value(y, p) == pytest.approx(0.2, abs=1e-15)
    w = np.where(y == 1, 7.0, 3.0)  # now as many events as not
    assert metrics["ece"].value(y, p, w) == pytest.approx(0.0, abs=1e-15)


def test_bins_hold_equal_mass_and_never_tear_ties_apart():
    np.testing.assert_array_equal(equal_mass_bins(np.ones((6, 1)), 3)[:, 0], [0, 0, 1, 1, 2, 2])
    mass = np.array([[3.0], [1.0], [1.0], [1.0]])  # a tie of three, whose middle lies in the first bin
    np.testing.assert_array_equal(equal_mass_bins(mass, 3)[:, 0], [0, 1, 2, 2])
    np.testing.assert_array_equal(equal_mass_bins(np.array([[0.0], [0.0]]), 3)[:, 0], [0, 0])
