from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from medgraft.methods.instance.kmm import KernelMeanMatching, kernel_features, match_means
from medgraft.methods.instance.weighting import Side
from medgraft.methods.table import InputError


def sides(ns=30, nt=20, p=2, seed=0, shift=0.8):
    rng = np.random.default_rng(seed)
    source = Side(rng.normal(size=(ns, p)), np.ones(ns), np.arange(ns))
    return source, Side(rng.normal(shift, 0.8, (nt, p)), np.ones(nt), ns + np.arange(nt))


def quadratic(source, target, sigma, penalty):
    """The paper's programme with its kernel matrices: 1/2 b'Qb - c'b."""
    K = np.exp(-cdist(source.Z, source.Z, "sqeuclidean") / (2 * sigma**2))
    cross = np.exp(-cdist(source.Z, target.Z, "sqeuclidean") / (2 * sigma**2))
    n = len(K)
    return (K + penalty * np.eye(n)) / n**2, cross.mean(axis=1) / n


@pytest.mark.parametrize(("penalty", "bound"), [(1.0, 5.0), (1.0, 1.5), (0.05, 3.0)])
def test_weights_are_those_of_a_general_solver_of_the_quadratic_programme(penalty, bound):
    source, target = sides()
    method = KernelMeanMatching(penalty=penalty, bound=bound)
    beta = method._estimate(source, target)(source.Z)
    Q, c = quadratic(source, target, method.sigma_, penalty)
    peer = minimize(
        lambda b: (0.5 * b @ Q @ b - c @ b) * 1e3,
        np.ones(30),
        jac=lambda b: (Q @ b - c) * 1e3,
        method="SLSQP",
        bounds=[(0, bound)] * 30,
        constraints={"type": "eq", "fun": lambda b: b.mean() - 1, "jac": lambda b: np.full(30, 1 / 30)},
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    assert 0.5 * beta @ Q @ beta - c @ beta <= peer.fun / 1e3 + 1e-10
    np.testing.assert_allclose(beta, peer.x, atol=1e-4)
    assert ((beta == 0) | (beta == bound)).any()  # else the bounds are not tested


def test_weights_meet_the_conditions_of_the_optimum():
    source, target = sides(200, 150)
    method = KernelMeanMatching(penalty=0.3, n_landmarks=350)
    beta = method._estimate(source, target)(source.Z)
    bound = np.sqrt(200)
    assert beta.mean() == pytest.approx(1, abs=1e-8)
    assert beta.min() >= 0
    assert beta.max() <= bound
    Q, c = quadratic(source, target, method.sigma_, 0.3)
    slope = 200 * (Q @ beta - c)
    free = (beta > 0) & (beta < bound)
    level = slope[free].mean()
    np.testing.assert_allclose(slope[free], level, atol=1e-8)
    assert (slope[beta == 0] >= level - 1e-8).all()


def density_ratio(Z, shift):
    return np.exp(-0.5 * (((Z - shift) / 0.8) ** 2).sum(1) + 0.5 * (Z**2).sum(1))


@pytest.mark.parametrize(("p", "n"), [(1, 400), (3, 600), (8, 1500)])
def test_the_ratio_of_two_gaussians_is_followed(p, n):
    source, target = sides(n, n, p, shift=0.8 / np.sqrt(p))
    ratio = KernelMeanMatching()._estimate(source, target)
    new = np.random.default_rng(1).normal(size=(n, p))  # a function: it serves rows that were not matched
    for Z in (source.Z, new):
        assert np.corrcoef(ratio(Z), density_ratio(Z, 0.8 / np.sqrt(p)))[0, 1] > 0.9


def test_the_discrepancy_falls_and_is_largest_for_weights_of_the_wrong_sign():
    source, target = sides(300, 300)
    method = KernelMeanMatching(n_landmarks=600)
    beta = method._estimate(source, target)(source.Z)
    Q, c = quadratic(source, target, method.sigma_, 0.0)
    discrepancy = lambda b: b @ Q @ b - 2 * c @ b  # noqa: E731
    inverse = 1 / np.maximum(beta, 0.1)
    assert discrepancy(beta) < discrepancy(np.ones(300)) < discrepancy(inverse / inverse.mean())


def test_equal_sides_weigh_everybody_the_same():
    source, _ = sides()
    np.testing.assert_allclose(KernelMeanMatching()._estimate(source, source)(source.Z), 1.0, atol=1e-8)


def test_a_weight_of_two_is_two_rows():
    source, target = sides()
    w = np.where(np.arange(30) < 10, 2.0, 1.0)
    twice = np.repeat(np.arange(30), w.astype(int))
    F = kernel_features(source.Z, 1.0)
    mean = F(target.Z).mean(axis=0)
    once = match_means(F(source.Z), w, mean, 1.0, 4.0)
    again = match_means(F(source.Z[twice]), np.ones(40), mean, 1.0, 4.0)
    np.testing.assert_allclose(once[0], again[0], atol=1e-10)
    assert once[1] == pytest.approx(again[1], abs=1e-10)


def test_features_of_all_rows_are_the_kernel_itself():
    source, _ = sides()
    F = kernel_features(source.Z, 0.7)(source.Z)
    np.testing.assert_allclose(F @ F.T, np.exp(-cdist(source.Z, source.Z, "sqeuclidean") / 0.98), atol=1e-9)


def test_a_third_of_the_rows_as_landmarks_come_near_the_exact_optimum():
    source, target = sides(600, 300, p=4)
    exact, fewer = KernelMeanMatching(n_landmarks=900), KernelMeanMatching(n_landmarks=300)
    a, b = (m._estimate(source, target)(source.Z) for m in (exact, fewer))
    Q, c = quadratic(source, target, exact.sigma_, 1.0)
    loss = [0.5 * w @ Q @ w - c @ w for w in (a, b, np.ones(600))]
    assert loss[0] <= loss[1] < loss[0] + 0.02 * (loss[2] - loss[0])


@pytest.mark.parametrize("wrong", [{"bound": 1.0}, {"penalty": 0.0}, {"n_landmarks": 1}])
def test_settings_without_a_meaning_are_mistakes(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        KernelMeanMatching(**wrong).fit([[0.0], [1.0]], [0, 1])
