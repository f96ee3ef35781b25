from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.streaming.projection import RIDGE, Projection, windows
from medgraft.methods.table import InputError


def test_two_classes_have_fishers_direction():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 40)
    X = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 3)) + y[:, None]
    A = (X - X.mean(axis=0)) / X.std(axis=0)
    S = sum(np.cov(A[y == c].T, bias=True) for c in (0, 1)) / 2
    S = (1 - RIDGE) * S + RIDGE * np.eye(3)
    fisher = np.linalg.solve(S, A[y == 1].mean(axis=0) - A[y == 0].mean(axis=0))
    made = Projection.discriminant(X, y).weight[:, 0] * X.std(axis=0)
    np.testing.assert_allclose(
        made / np.linalg.norm(made), fisher / np.linalg.norm(fisher) * np.sign(made @ fisher)
    )
    np.testing.assert_allclose(made @ S @ made, 1)


def test_directions_are_uncorrelated_between_classes_and_in_order_of_what_they_tell(people):
    X, y = people[:2]
    Z = Projection.discriminant(X, y).apply(X)
    means = np.array([Z[y == c].mean(axis=0) for c in np.unique(y)])
    n = np.unique(y, return_counts=True)[1]
    between = (means.T * n) @ means / n.sum()
    assert between.shape == (2, 2) and between[0, 0] > between[1, 1]
    np.testing.assert_allclose(between[0, 1], 0, atol=1e-10)


def test_principal_components_have_no_correlation_and_unit_variance(people):
    X = people[0]
    Z = Projection.principal(X, 4).apply(X)
    np.testing.assert_allclose(np.cov(Z.T, bias=True), np.eye(4), atol=1e-10)


def test_a_gap_is_the_training_median_and_empty_and_constant_columns_say_nothing():
    X = np.array([[1.0, 7.0, np.nan], [2.0, 7.0, np.nan], [9.0, 7.0, np.nan], [np.nan, 7.0, np.nan]])
    made = Projection.principal(X, 3)
    assert made.fill.tolist() == [2.0, 7.0, 0.0]
    np.testing.assert_array_equal(made.apply(X[3:]), made.apply(np.array([[2.0, 50.0, 50.0]])))


def test_the_scale_of_a_column_changes_no_coordinate(people):
    X, y = people[:2]
    Z = Projection.discriminant(X, y).apply(X)
    other = X * [1, 10, 0.1, 3, 1000] + 5
    np.testing.assert_allclose(np.abs(Projection.discriminant(other, y).apply(other)), np.abs(Z), atol=1e-8)


def test_a_window_is_projected_alone_as_among_others(people):
    X, y = people[:2]
    made = Projection.discriminant(X, y)
    np.testing.assert_array_equal(made.apply(X)[7:8], made.apply(X[7:8]))


@pytest.mark.parametrize(
    ("X", "what"), [([1.0, 2.0], "windows in rows"), ([[0.0, np.inf]], "infinity"), ([[1.0]], "1 features")]
)
def test_what_is_no_window_is_refused(X, what):
    with pytest.raises(InputError, match=what):
        windows(X, width=2)
