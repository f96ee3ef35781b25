"""Shapley values against the sum over all subsets."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from medgraft.methods.instance import shapley
from medgraft.methods.instance.shapley import knn_shapley, monte_carlo_shapley


def exact(n, value):
    """Mean gain over all subsets of the others, by definition."""
    out = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            for chosen in combinations(others, size):
                taken = np.isin(np.arange(n), chosen)
                with_i = taken.copy()
                with_i[i] = True
                out[i] += (value(with_i) - value(taken)) / (n * comb(n - 1, size))
    return out


def game(X, y, X_test, y_test, k, regression):
    def value(taken):
        score = 0.0
        for x, t in zip(X_test, y_test, strict=True):
            at = np.flatnonzero(taken)
            near = at[np.argsort(np.abs(X[at] - x).sum(axis=1), kind="stable")][:k]
            score += -((y[near].sum() / k - t) ** 2) if regression else (y[near] == t).sum() / k
        return score / len(X_test)

    return value


def patients(n, seed, regression):
    rng = np.random.default_rng(seed)
    X, X_test = rng.normal(size=(n, 1)), rng.normal(size=(3, 1))
    if regression:
        return X, rng.normal(size=n) + 1, X_test, rng.normal(size=3) - 1
    return X, rng.integers(0, 3, n), X_test, rng.integers(0, 3, 3)


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 7])
def test_the_closed_form_is_the_sum_over_all_subsets(n, k, regression):
    data = patients(n, 10 * n + k, regression)
    value = game(*data, k, regression)
    got = knn_shapley(*data, n_neighbours=k, regression=regression)
    np.testing.assert_allclose(got, exact(n, value), atol=1e-9)
    np.testing.assert_allclose(got.sum(), value(np.ones(n, bool)) - value(np.zeros(n, bool)), atol=1e-9)


@pytest.mark.parametrize("regression", [False, True])
def test_equal_rows_have_equal_values_and_order_plays_no_part(regression):
    X, y, X_test, y_test = patients(40, 4, regression)
    X, y = np.r_[X, X[:20], X[:20]], np.r_[y, y[:20], y[20:]]  # copies, and ties with other labels
    a = knn_shapley(X, y, X_test, y_test, n_neighbours=3, regression=regression)
    np.testing.assert_allclose(a[:20], a[40:60], atol=1e-12)
    p = np.random.default_rng(0).permutation(len(y))
    b = knn_shapley(X[p], y[p], X_test, y_test, n_neighbours=3, regression=regression)
    np.testing.assert_allclose(a[p], b, atol=1e-12)


def test_ties_are_the_mean_of_their_best_and_worst_order():
    X, y = np.zeros((3, 1)), np.array([0, 1, 1])
    got = knn_shapley(X, y, np.zeros((1, 1)), np.array([0]), n_neighbours=1)

    def first(*order):
        def value(taken):
            near = [i for i in order if taken[i]]
            return float(y[near[0]] == 0) if near else 0.0

        return exact(3, value)

    np.testing.assert_allclose(got, (first(0, 1, 2) + first(1, 2, 0)) / 2, atol=1e-12)


def test_names_of_classes_and_the_sign_of_values_play_no_part_in_ties():
    rng = np.random.default_rng(0)
    X, X_test = rng.integers(0, 3, (60, 1)).astype(float), rng.integers(0, 3, (9, 1)).astype(float)
    y, y_test = rng.integers(0, 3, 60), rng.integers(0, 3, 9)
    plain = knn_shapley(X, y, X_test, y_test)
    np.testing.assert_allclose(knn_shapley(X, (y + 1) % 3, X_test, (y_test + 1) % 3), plain, atol=1e-12)
    plain = knn_shapley(X, y, X_test, y_test, regression=True)
    np.testing.assert_allclose(knn_shapley(X, -y, X_test, -y_test, regression=True), plain, atol=1e-12)


def test_blocks_change_nothing(monkeypatch):
    data = patients(30, 5, True)
    whole = knn_shapley(*data, n_neighbours=4, regression=True)
    monkeypatch.setattr(shapley, "BLOCK_CELLS", 1)
    np.testing.assert_allclose(knn_shapley(*data, n_neighbours=4, regression=True), whole, atol=1e-12)


def test_sampling_agrees_with_the_exact_values_within_its_own_error():
    value = game(*patients(7, 6, True), 2, True)
    got, error = monte_carlo_shapley(7, value, n_permutations=600)
    assert (np.abs(got - exact(7, value)) < 4 * error + 1e-12).all()
    np.testing.assert_allclose(got.sum(), value(np.ones(7, bool)) - value(np.zeros(7, bool)), atol=1e-9)


def test_truncation_saves_fits_where_the_rest_adds_nothing():
    calls = []

    def value(taken):
        calls.append(1)
        return float(taken[0])

    got, _ = monte_carlo_shapley(6, value, n_permutations=50, tolerance=1e-6)
    np.testing.assert_array_equal(got, [1, 0, 0, 0, 0, 0])
    assert len(calls) < 2 + 50 * 5
