from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from medgraft.methods.instance.ratio import LAMBDAS, SIGMAS, bumps
from medgraft.methods.instance.rulsif import RuLSIF
from medgraft.methods.instance.ulsif import ULSIF
from medgraft.methods.instance.weighting import Side, patient_folds
from medgraft.methods.table import InputError


def sides(ns=50, nt=30, seed=0):
    rng = np.random.default_rng(seed)
    source = Side(rng.normal(size=(ns, 1)), np.ones(ns), np.arange(ns))
    return source, Side(rng.normal(0.7, 0.7, (nt, 1)), np.ones(nt), ns + np.arange(nt))


def naive(source, target, sigma, lam, alpha, centres):
    """The paper's system, written out."""
    phi = lambda X: np.exp(-((X[:, None, 0] - centres[None, :, 0]) ** 2) / (2 * sigma**2))  # noqa: E731
    S, T = phi(source), phi(target)
    H = alpha * T.T @ T / len(T) + (1 - alpha) * S.T @ S / len(S)
    return np.maximum(np.linalg.inv(H + lam * np.eye(len(centres))) @ T.mean(axis=0), 0.0)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.6])
def test_heights_solve_the_paper_s_system(alpha):
    source, target = sides()
    ratio = RuLSIF(alpha=alpha, n_centres=8)._estimate(source, target)
    expected = naive(source.Z, target.Z, ratio.sigma, ratio.lam, alpha, target.Z[:8])
    np.testing.assert_allclose(ratio.alpha, expected, rtol=1e-8, atol=1e-10)


def test_width_and_penalty_have_the_least_held_out_squared_error():
    source, target = sides()
    ratio = RuLSIF(n_centres=8)._estimate(source, target)
    c = target.Z[:8]
    distances = np.r_[np.ravel((source.Z - c.T) ** 2), np.tile(np.ravel((target.Z - c.T) ** 2), 2)]
    middle = np.sqrt(np.median(distances))
    fs, ft = patient_folds(source, target, 0)
    scores = {}
    for factor in SIGMAS:
        for lam in LAMBDAS:
            score = 0.0
            for f in range(5):
                a = naive(source.Z[fs != f], target.Z[ft != f], factor * middle, lam, 0.1, c)
                at = lambda X: bumps((X - c.T) ** 2, factor * middle) @ a  # noqa: B023, E731
                s, t = at(source.Z[fs == f]), at(target.Z[ft == f])
                score += 0.5 * (0.9 * (s**2).sum() / 50 + 0.1 * (t**2).sum() / 30) - t.sum() / 30
            scores[factor * middle, lam] = score
    sigma, lam = min(scores, key=scores.get)
    assert (ratio.sigma, ratio.lam) == (pytest.approx(sigma), lam)


def test_the_relative_ratio_of_two_gaussians_is_recovered():
    rng = np.random.default_rng(0)
    source = Side(rng.normal(0, 1, (3000, 1)), np.ones(3000), np.arange(3000))
    target = Side(rng.normal(0.7, 0.6, (3000, 1)), np.ones(3000), np.arange(3000, 6000))
    x = np.linspace(-2, 2, 41)
    pt, ps = np.exp(-0.5 * ((x - 0.7) / 0.6) ** 2) / 0.6, np.exp(-0.5 * x**2)
    for alpha in (0.1, 0.5):
        truth = pt / (alpha * pt + (1 - alpha) * ps)
        estimate = RuLSIF(alpha=alpha)._estimate(source, target)(x[:, None])
        assert np.sqrt(np.mean((estimate - truth) ** 2)) < 0.15 * truth.std()
        assert estimate.max() < 1.1 / alpha


def test_without_a_share_of_the_target_it_is_ulsif_by_folds():
    source, target = sides()
    several = Side(target.Z, target.weight, np.repeat(np.arange(50, 65), 2))
    plain = ULSIF(n_centres=8)._estimate(source, several)
    naive_heights = naive(source.Z, target.Z, plain.sigma, plain.lam, 0.0, target.Z[:8])
    np.testing.assert_allclose(plain.alpha, naive_heights, rtol=1e-8, atol=1e-10)


def test_more_target_in_the_mixture_means_flatter_weights():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(0, 1, (300, 2)), rng.normal(1.5, 0.7, (200, 2))])
    domain = np.repeat(["s", "t"], [300, 200])
    fit = lambda a: RuLSIF(task="regression", alpha=a).fit(X, X[:, 0], domain=domain, target="t")  # noqa: E731
    ess = [fit(a).ess_ for a in (0.1, 0.5, 0.9)]
    assert ess == sorted(ess)
    assert ess[2] > 1.5 * ess[0]


def test_the_relative_squared_error_is_what_the_heights_minimise():
    source, target = sides()
    ratio = RuLSIF(alpha=0.3, n_centres=3)._estimate(source, target)
    S, T = (bumps((Z - target.Z[:3].T) ** 2, ratio.sigma) for Z in (source.Z, target.Z))

    def loss(a):
        fit = 0.3 * np.mean((T @ a) ** 2) + 0.7 * np.mean((S @ a) ** 2)
        return 0.5 * fit - np.mean(T @ a) + 0.5 * ratio.lam * a @ a

    free = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-10}).x
    np.testing.assert_allclose(ratio.alpha, np.maximum(free, 0), atol=1e-5)


@pytest.mark.parametrize("alpha", [-0.1, 1.0, float("nan")])
def test_a_share_outside_its_range_is_a_mistake(alpha):
    with pytest.raises(InputError, match="alpha"):
        RuLSIF(alpha=alpha).fit([[0.0], [1.0]], [0, 1])
