"""Density ratios by classifier, by Gaussians and by likelihood, against truths and naive versions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from medgraft.methods.feature.covariance import Covariance
from medgraft.methods.instance.discriminator import Discriminator
from medgraft.methods.instance.gaussian import GaussianWeighting, _log_density
from medgraft.methods.instance.kliep import KLIEP, _widest, mixture
from medgraft.methods.instance.kmm import KernelMeanMatching
from medgraft.methods.instance.rulsif import RuLSIF
from medgraft.methods.instance.ulsif import ULSIF
from medgraft.methods.instance.weighting import side_of
from medgraft.methods.rows import Rows
from medgraft.methods.table import Table

EVERY = [Discriminator, GaussianWeighting, KLIEP, ULSIF]


def shifted(n=500, p=2, seed=0, shift=0.7):
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.normal(size=(n, p)), rng.normal(shift, 1.0, size=(n, p))])
    return X, X.sum(axis=1), np.repeat(["s", "t"], n)


def fitted(cls, X, y, domain, **more):
    return cls(task="regression").fit(X, y, domain=domain, target="t", labelled=domain == "s", **more)


@pytest.mark.parametrize("cls", EVERY)
def test_weighted_source_means_are_the_target_s(cls):
    X, y, domain = shifted()
    w = fitted(cls, X, y, domain).weights_[:500]
    assert w.mean() == pytest.approx(1.0)
    moved = w @ X[:500] / w.sum()
    # The ratio moves the mean at least four fifths of the way.
    assert (np.abs(moved - X[500:].mean(axis=0)) < 0.2 * 0.7 + 0.05).all()


@pytest.mark.parametrize("cls", EVERY)
def test_equal_sides_get_nearly_equal_weights(cls):
    X, y, domain = shifted(shift=0.0)
    m = fitted(cls, X, y, domain)
    assert m.ess_ > 400


@pytest.mark.parametrize("cls", EVERY)
def test_no_weight_exceeds_the_root_of_the_number_of_rows_by_more_than_the_last_scaling(cls):
    X, y, domain = shifted(shift=3.0)
    m = fitted(cls, X, y, domain)
    assert m.weights_[:500].max() <= 500 / m.ess_ * np.sqrt(500)
    assert m.ess_ < 100


@pytest.mark.parametrize("cls", EVERY)
def test_swapping_the_sides_inverts_the_ratio_s_order(cls):
    X, y, domain = shifted(p=1)
    there = fitted(cls, X, y, domain).weights_[:500]
    swapped = np.where(domain == "s", "t", "s")
    back = cls(task="regression").fit(X, y, domain=swapped, target="t", labelled=swapped == "s")
    at = X[:500, 0]
    assert np.corrcoef(at, there)[0, 1] > 0.6
    assert np.corrcoef(X[500:, 0], back.weights_[500:])[0, 1] < -0.6


@pytest.mark.parametrize("cls", EVERY)
def test_the_effective_size_counts_a_row_of_weight_three_as_three_rows(cls):
    X, y, domain = shifted(60)
    v = np.random.default_rng(1).integers(1, 4, 120)
    m = fitted(cls, X, y, domain, sample_weight=v)
    again = np.repeat(np.arange(120), v)
    assert fitted(cls, X[again], y[again], domain[again]).ess_ == pytest.approx(m.ess_, rel=1e-5)
    v, f = v[:60], m.weights_[:60]
    assert m.ess_ == pytest.approx((v @ f) ** 2 / (v @ f**2))


def coarse(seed=0):
    """Thirty patients of four visits, whose features repeat between patients."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (120, 2)) + np.repeat([0, 1], 60)[:, None] * 1.0
    return X, X.sum(axis=1), np.repeat(["s", "t"], 60), np.repeat(np.arange(30), 4)


@pytest.mark.parametrize("cls", [*EVERY, RuLSIF, KernelMeanMatching])
def test_rows_that_patients_share_leave_no_trace_of_the_order_of_the_file(cls):
    X, y, domain, patient = coarse()
    w = fitted(cls, X, y, domain, groups=patient).weights_
    for seed in range(5):
        p = np.random.default_rng(seed).permutation(120)
        again = fitted(cls, X[p], y[p], domain[p], groups=patient[p]).weights_
        np.testing.assert_allclose(again, w[p], rtol=1e-6)


def side(X, groups=None, weight=None):
    y = np.arange(len(X)) % 2
    rows = Rows.of(Table.of(X), y, regression=False, groups=groups, sample_weight=weight)
    return side_of(X, rows, rows.target, 0)


def test_copies_are_merged_within_a_patient_and_without_patients_among_all():
    X = np.array([[1.0], [1.0], [2.0], [1.0]])
    found = side(X, groups=np.array(["a", "a", "a", "b"]), weight=np.array([1.0, 2.0, 1.0, 5.0]))
    assert sorted(zip(found.Z[:, 0], found.weight, found.units, strict=True)) == [
        (1, 3, 0),
        (1, 5, 1),
        (2, 1, 0),
    ]
    assert found.repeats
    for groups in (None, np.array(["a", "b", "c", "d"])):  # one row a patient: patients are rows
        found = side(X, groups=groups)
        assert sorted(zip(found.Z[:, 0], found.weight, strict=True)) == [(1, 3), (2, 1)]
        assert not found.repeats


def test_bumps_stand_at_distinct_places():
    X, _, _, patient = coarse()
    found = side(X, groups=patient)
    assert len(found.places(4)) == 4
    everywhere = found.places(1000)
    assert len(everywhere) == len(np.unique(X, axis=0)) < len(found.Z)
    np.testing.assert_array_equal(everywhere[:4], found.places(4))


def test_the_discriminator_s_log_ratio_is_that_of_two_gaussians():
    rng = np.random.default_rng(0)
    s, t = rng.normal(0, 1, (20_000, 1)), rng.normal(1.0, 1.0, (20_000, 1))
    X, domain = np.vstack([s, t]), np.repeat(["s", "t"], 20_000)
    w = fitted(Discriminator, X, X[:, 0], domain).weights_[:20_000]
    near = np.abs(s[:, 0]) < 1.5
    slope = np.polyfit(s[near, 0], np.log(w[near]), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.05)  # log r = x - 1/2


def test_the_gaussian_density_is_scipy_s():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 3))
    c = Covariance.of(Z, np.ones(40), 0.1)
    full = np.column_stack([c.power(np.eye(3), 1.0)])
    expected = multivariate_normal(c.mean, full).logpdf(Z)
    np.testing.assert_allclose(_log_density(c, Z) - 1.5 * np.log(2 * np.pi), expected, rtol=1e-9)


def test_the_mixture_s_shares_are_the_optimum_of_a_general_optimiser():
    rng = np.random.default_rng(0)
    A, w = rng.gamma(1.0, size=(60, 5)), rng.uniform(0.5, 2.0, 60)
    shares = mixture(A, w)

    def loss(free):
        theta = np.exp(free) / np.exp(free).sum()
        return -w @ np.log(A @ theta)

    peer = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-10})
    assert -w @ np.log(A @ shares) <= peer.fun + 1e-6
    assert shares.sum() == pytest.approx(1.0)
    gain = (w / (A @ shares)) @ A / w.sum()  # optimal: no share could gain
    assert gain.max() <= 1 + 1e-8


def test_the_error_by_which_a_wider_bump_may_lose_is_over_patients():
    rng = np.random.default_rng(0)
    best = rng.normal(size=20)
    error = np.sqrt(20 / 19 * ((best - best.mean()) ** 2).sum())
    for loss, expected in ((0.9, 1), (1.1, 0)):
        logs = np.array([best, best - loss * error / 20])
        assert _widest(logs, np.ones(20), np.arange(20)) == expected
        # Six visits a patient tell no more than one of weight six, nor than one.
        six = np.repeat(logs, 6, axis=1)
        assert _widest(six, np.ones(120), np.repeat(np.arange(20), 6)) == expected
        assert _widest(logs, np.full(20, 6.0), np.arange(20)) == expected


def test_kliep_s_ratio_has_mean_one_over_the_source():
    from medgraft.methods.instance.weighting import Side

    X, _, _ = shifted(200)
    sides = [Side(Z, np.ones(200), np.arange(200)) for Z in (X[:200], X[200:])]
    ratio = KLIEP()._estimate(*sides)
    assert ratio(X[:200]).mean() == pytest.approx(1.0, rel=1e-9)
    assert (ratio.alpha >= 0).all()
