import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from medgraft.evidence import interval
from medgraft.evidence.metrics import default_metric, metrics


def rows(seed, n=80, k=4):
    rng = np.random.default_rng(seed)
    return rng.integers(0, k, n), rng.dirichlet(np.ones(k), n), rng.integers(0, 5, n)


def test_the_default_of_an_ordinal_task_is_quadratic_kappa():
    assert default_metric("ordinal") == "quadratic_kappa"


@pytest.mark.parametrize("seed", range(5))
def test_quadratic_kappa_is_that_of_scikit_learn_with_and_without_weights(seed):
    y, p, w = rows(seed)
    guess = p.argmax(axis=1)
    kappa = metrics["quadratic_kappa"]
    assert kappa.value(y, p) == pytest.approx(cohen_kappa_score(y, guess, weights="quadratic"), abs=1e-12)
    expected = cohen_kappa_score(y, guess, weights="quadratic", sample_weight=w)
    assert kappa.value(y, p, w) == pytest.approx(expected, abs=1e-12)


def test_worked_by_hand():
    y, p = np.array([0, 1, 2, 2]), np.eye(3)[[0, 1, 1, 0]]
    # squared distances 0, 0, 1, 4; over all pairs of a decision and a label 9 + 3 + 3 + 9
    pairs = ((p.argmax(axis=1)[:, None] - y) ** 2).sum()
    assert pairs == 24
    assert metrics["quadratic_kappa"].value(y, p) == pytest.approx(1 - 5 / (24 / 4))
    assert metrics["mae_levels"].value(y, p) == pytest.approx((0 + 0 + 1 + 2) / 4)


def test_a_constant_decision_is_chance_and_one_level_of_both_is_undefined():
    y, flat = np.array([0, 1, 2, 2]), np.eye(3)[[1, 1, 1, 1]]
    assert metrics["quadratic_kappa"].value(y, flat) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(metrics["quadratic_kappa"].value(np.ones(4, dtype=int), flat))


def test_reversing_the_order_of_all_levels_changes_nothing_but_shuffling_them_does():
    y, p, _ = rows(3)
    kappa = metrics["quadratic_kappa"]
    assert kappa.value(3 - y, p[:, ::-1]) == pytest.approx(kappa.value(y, p))
    turn = np.array([1, 0, 3, 2])
    assert kappa.value(turn[y], p[:, np.argsort(turn)]) != pytest.approx(kappa.value(y, p), abs=1e-3)


def test_it_has_an_interval_over_patients_around_it():
    y, p, _ = rows(0)
    p = 0.4 * p + 0.6 * np.eye(4)[y] * (np.arange(80) % 3 > 0)[:, None]
    found = interval("quadratic_kappa", y, p, n_boot=300)
    assert found.lo < found.value < found.hi < 1
