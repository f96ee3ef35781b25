"""The kernel from landmarks: exact where it must be, close where it may be, nobody's row among them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.spatial.distance import cdist, pdist

from medgraft.methods.feature.kernel_space import (
    KernelSpace,
    Problem,
    candidates,
    gaussian,
    group_means,
    mean_difference,
    median_distance,
)
from medgraft.methods.rows import Rows
from medgraft.methods.table import Table


def sides(n=80, p=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)))
    X[: n // 2] += 0.7
    return X, np.r_[np.full(n // 2, 2.0 / n), np.full(n - n // 2, -1.0 / (n - n // 2))]


def dense(K, S, penalty, d):
    """Exact solution of the paper: W (n, d) with W'KHKW = I, and the least objective."""
    n = len(K)
    H = np.eye(n) - 1.0 / n
    values, W = eigh(K @ H @ K, K @ S @ S.T @ K + penalty * np.eye(n))
    values, W = values[::-1][:d], W[:, ::-1][:, :d]
    return W / np.sqrt(values), float((1.0 / values).sum())


def objective(K, S, penalty, W):
    """Value of the paper's objective for weights W (n, d), brought to W'KHKW = I."""
    E = K @ W
    A = (S.T @ E).T @ (S.T @ E) + penalty * W.T @ W
    E = E - E.mean(axis=0)
    return float(np.trace(np.linalg.solve(E.T @ E, A)))


def ours(X, S, landmarks, width, penalty, d):
    """Weights W (n, d) of all rows and the components at the rows, from landmarks."""
    space = KernelSpace.of(landmarks, width)
    ones = np.ones(len(X))
    problem = Problem.of(space.gram(X, ones), space.sums(X, ones[:, None])[:, 0], float(len(X)))
    C, values = problem.solve(space.sums(X, S), penalty, d)
    phi = gaussian(X, landmarks, width) @ space.root
    W = np.linalg.pinv(problem.half, rcond=1e-9, hermitian=True) @ C
    return phi @ W, phi @ problem.directions(C), values


@pytest.mark.parametrize("penalty", [0.1, 10.0])
@pytest.mark.parametrize("q", [1, 3])
def test_with_every_row_as_a_landmark_it_is_the_papers_problem(penalty, q):
    X, s = sides()
    S = np.column_stack([s, *(s * np.random.default_rng(1).uniform(size=(q - 1, len(s))))])
    width = median_distance(X)
    K = np.exp(-cdist(X, X, "sqeuclidean") / (2 * width**2))
    W, least = dense(K, S, penalty, 6)
    ours_W, E, values = ours(X, S, X, width, penalty, 6)
    assert (1 / values).sum() == pytest.approx(least, rel=1e-6)
    assert objective(K, S, penalty, ours_W) == pytest.approx(least, rel=1e-6)
    theirs = np.sqrt(len(X)) * K @ W
    np.testing.assert_allclose(E, theirs * np.sign((E * theirs).sum(axis=0)), atol=1e-6)


def test_the_eigen_residual_is_rounding():
    X, s = sides(seed=2)
    width = median_distance(X)
    K = np.exp(-cdist(X, X, "sqeuclidean") / (2 * width**2))
    n, penalty = len(X), 1.0
    W, _, values = ours(X, s[:, None], X, width, penalty, 6)
    H = np.eye(n) - 1.0 / n
    B = K @ H @ K
    A = np.outer(K @ s, K @ s) + penalty * np.eye(n)
    assert np.abs(B @ W - A @ W * values).max() < 1e-8 * np.abs(B).max()
    np.testing.assert_allclose(W.T @ B @ W, np.eye(6), atol=1e-8)


@pytest.mark.parametrize(("n", "p", "m"), [(400, 4, 80), (800, 20, 150)])
def test_with_landmarks_the_papers_objective_is_within_two_per_cent_of_its_least(n, p, m):
    X, s = sides(n, p)
    width = median_distance(X)
    K = np.exp(-cdist(X, X, "sqeuclidean") / (2 * width**2))
    _, least = dense(K, s[:, None], 1.0, 10)
    W, _, _ = ours(X, s[:, None], group_means(X, np.arange(n), m), width, 1.0, 10)
    assert least * (1 - 1e-9) <= objective(K, s[:, None], 1.0, W) < 1.02 * least


def test_components_have_mean_square_one_and_are_uncorrelated():
    X, s = sides(300)
    _, E, _ = ours(X, s[:, None], group_means(X, np.arange(300), 60), 2.0, 1.0, 5)
    np.testing.assert_allclose(np.cov(E.T, bias=True), np.eye(5), atol=1e-8)


def test_weights_count_rows():
    X, _ = sides(60)
    w = np.random.default_rng(0).integers(1, 4, 60).astype(float)
    again = np.repeat(X, w.astype(int), axis=0)
    space = KernelSpace.of(group_means(X, np.arange(60), 15), 2.0)
    np.testing.assert_allclose(space.gram(X, w), space.gram(again, np.ones(len(again))), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        space.sums(X, w[:, None]), space.sums(again, np.ones((len(again), 1))), rtol=1e-9, atol=1e-9
    )


def test_blocks_of_rows_add_up(monkeypatch):
    X, s = sides(200)
    space = KernelSpace.of(group_means(X, np.arange(200), 30), 2.0)
    gram, sums = space.gram(X, np.ones(200)), space.sums(X, s[:, None])
    monkeypatch.setattr("medgraft.methods.feature.kernel_space.BLOCK", 7)
    np.testing.assert_allclose(space.gram(X, np.ones(200)), gram, atol=1e-10)
    np.testing.assert_allclose(space.sums(X, s[:, None]), sums, atol=1e-12)


def test_the_kernel_is_that_of_the_definition():
    X, _ = sides(30)
    np.testing.assert_allclose(
        gaussian(X, X[:7], 1.3), np.exp(-cdist(X, X[:7], "sqeuclidean") / (2 * 1.3**2)), atol=1e-14
    )
    assert median_distance(X) == np.median(pdist(X))
    assert median_distance(np.zeros((5, 2))) == 1.0


def test_landmarks_are_means_of_three_patients_or_more_and_of_every_row():
    X = np.arange(16.0)[:, None]
    means = np.sort(group_means(X, np.arange(16), 4)[:, 0])
    np.testing.assert_allclose(means, [1.5, 5.5, 9.5, 13.5])
    assert len(group_means(X, np.arange(16), 100)) == 4  # sevenths and less would be two patients
    assert len(group_means(X, np.arange(16) // 4, 100)) == 1  # four patients cannot be halved
    assert len(group_means(X, np.zeros(16, int), 100)) == 0


def test_candidates_belong_to_the_content_of_the_rows_and_not_to_their_places():
    X, _ = sides(60)
    X[30:33] = X[:3]  # the same patient on both sides, once
    domain = np.repeat(["s", "t"], 30)
    p = np.random.default_rng(0).permutation(60)
    a, b = (
        Rows.of(Table.of(X[i]), np.zeros(60), regression=True, domain=domain[i], target="t")
        for i in (np.arange(60), p)
    )
    one, other = candidates(a, 20, 5), candidates(b, 20, 5)
    np.testing.assert_array_equal(X[one], X[p][other])
    assert len(np.unique(X[one], axis=0)) == len(one) <= 40
    assert a.source[one].sum() >= 17


def test_a_difference_of_means_needs_both_sides():
    a, b = np.array([1.0, 3.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(mean_difference(a, b), [0.25, 0.75, -0.5, -0.5])
    assert not mean_difference(a, np.zeros(4)).any()
