from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from medgraft.methods.instance.ratio import (
    LAMBDAS,
    SIGMAS,
    bumps,
    even_out,
    fit_ratio,
    heights,
    held_out_scores,
    left_out_scores,
)


def gaussian(x, m, s):
    return np.exp(-0.5 * ((x - m) / s) ** 2) / s


def features(ns=30, nt=20, b=7, seed=0):
    rng = np.random.default_rng(seed)
    s, t, c = rng.normal(size=(ns, 2)), rng.normal(0.5, 1, size=(nt, 2)), rng.normal(size=(b, 2))
    d = lambda a: ((a[:, None] - c) ** 2).sum(-1)  # noqa: E731
    return bumps(d(s), 0.8), bumps(d(t), 0.8)


def test_heights_minimise_the_papers_objective_before_the_cut():
    Fs, Ft = features()
    H, h = Fs.T @ Fs / len(Fs), Ft.mean(axis=0)
    out = minimize(lambda a: 0.5 * a @ H @ a - h @ a + 0.05 * a @ a, np.zeros(7), method="BFGS", tol=1e-10)
    np.testing.assert_allclose(heights(Fs, Ft, 0.1), np.maximum(out.x, 0.0), atol=1e-5)
    assert (out.x < 0).any()  # else the cut is not tested


@pytest.mark.parametrize(("ns", "nt"), [(30, 20), (12, 25), (15, 15)])
def test_the_closed_form_is_leave_one_out_by_refitting(ns, nt):
    Fs, Ft = features(ns, nt)
    n = min(ns, nt)
    for lam in (0.01, 0.3):
        brute = 0.0
        for i in range(n):
            a = heights(np.delete(Fs, i, axis=0), np.delete(Ft, i, axis=0), lam)
            brute += (0.5 * (Fs[i] @ a) ** 2 - Ft[i] @ a) / n
        np.testing.assert_allclose(left_out_scores(Fs, Ft, np.array([lam]))[0], brute, rtol=1e-9)


def test_held_out_folds_are_refits_without_them():
    Fs, Ft = features()
    fs, ft = np.arange(30) % 3, np.arange(20) % 3
    brute = 0.0
    for f in range(3):
        a = heights(Fs[fs != f], Ft[ft != f], 0.2)
        brute += 0.5 * np.sum((Fs[fs == f] @ a) ** 2) / 30 - np.sum(Ft[ft == f] @ a) / 20
    np.testing.assert_allclose(held_out_scores(Fs, Ft, np.array([0.2]), fs, ft)[0], brute, rtol=1e-12)


def test_width_and_penalty_are_those_of_the_least_left_out_score():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(60, 1)), rng.normal(0.5, 0.8, (40, 1))
    ratio = fit_ratio(s, t, n_centres=10)
    c = t[:10, 0]
    ds, dt = (s - c) ** 2, (t - c) ** 2
    middle = np.sqrt(np.median(np.r_[ds.ravel(), dt.ravel()]))
    scores = {}
    for f in SIGMAS:
        for lam in LAMBDAS:
            Fs, Ft = bumps(ds, f * middle), bumps(dt, f * middle)
            scores[f * middle, lam] = sum(
                0.5 * (Fs[i] @ a) ** 2 - Ft[i] @ a
                for i in range(40)
                for a in [heights(np.delete(Fs, i, 0), np.delete(Ft, i, 0), lam)]
            )
    sigma, lam = min(scores, key=scores.get)
    assert (ratio.sigma, ratio.lam) == (pytest.approx(sigma), lam)


def test_the_ratio_of_two_gaussians_is_recovered():
    rng = np.random.default_rng(0)
    s, t = rng.normal(0, 1, (2000, 1)), rng.normal(0.7, 0.6, (2000, 1))
    x = np.linspace(-2, 2, 41)
    truth = gaussian(x, 0.7, 0.6) / gaussian(x, 0, 1)
    estimate = fit_ratio(s, t)(x[:, None])
    assert np.sqrt(np.mean((estimate - truth) ** 2)) < 0.15 * truth.std()


def test_two_samples_of_one_law_have_a_ratio_near_one():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(500, 2)), rng.normal(size=(500, 2))
    assert np.abs(fit_ratio(s, t)(s) - 1).mean() < 0.15


def test_a_weighted_target_is_a_shifted_target():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(1000, 1)), rng.normal(size=(1000, 1))
    x = np.linspace(-1, 1.5, 26)
    estimate = fit_ratio(s, t, target_weight=np.exp(0.5 * t[:, 0]))(x[:, None])
    assert np.corrcoef(estimate, np.exp(0.5 * x))[0, 1] > 0.95
    estimate = fit_ratio(s, t, source_weight=np.exp(0.5 * s[:, 0]))(x[:, None])
    assert np.corrcoef(estimate, np.exp(-0.5 * x))[0, 1] > 0.95


def test_a_ratio_that_dwarfs_the_rest_is_cut_at_the_root_of_the_number_of_rows():
    # Mean 100 / 16: scaled 0.16 and 13.6, cut at 4, which leaves a sum of 6.4, scaled again by 2.5.
    w = even_out(np.array([1.0] * 15 + [85.0]), np.ones(16))
    np.testing.assert_allclose(w, [0.4] * 15 + [10.0])


def test_cutting_counts_a_weight_as_rows():
    ratio, weight = np.array([0.5, 3.0, 40.0]), np.array([9.0, 4.0, 1.0])
    repeated = even_out(np.repeat(ratio, weight.astype(int)), np.ones(14))
    np.testing.assert_allclose(even_out(ratio, weight), repeated[[0, 9, 13]])
