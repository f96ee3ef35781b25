"""Shrunken site effects against mixed ridge equations solved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.base import InputError
from medgraft.methods.model.site_effects import SiteEffects


def cohort(n=40, seed=0):
    rng = np.random.default_rng(seed)
    site = np.repeat(["a", "b", "t"], [n, n, n // 2])
    X = rng.normal(size=(len(site), 3))
    effect = {"a": 0.0, "b": 4.0, "t": -3.0}
    y = X @ [1.0, -2.0, 0.0] + np.array([effect[s] for s in site]) + 0.3 * rng.normal(size=len(site))
    return X, y, site


def test_slopes_and_effects_solve_the_penalised_equations():
    X, y, site = cohort()
    m = SiteEffects(task="regression", shrinkage=5.0).fit(X, y, domain=site, target="t")
    Z = m.encoder_.transform(X)
    D = (site[:, None] == np.array(["a", "b", "t"])).astype(float)
    A = np.column_stack([Z, D, np.ones(len(y))])
    penalty = np.diag([m.penalty_] * Z.shape[1] + [5.0] * 3 + [0.0])
    expected = np.linalg.solve(A.T @ A + penalty, A.T @ y)
    np.testing.assert_allclose(m.coef_, expected[:3], rtol=1e-6)
    for j, name in enumerate(["a", "b", "t"]):
        np.testing.assert_allclose(m.effects_[name][0], expected[3 + j], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(m.predict(X[site == "t"]), A[site == "t"] @ expected, rtol=1e-6)
    np.testing.assert_allclose(m.predict(X, domain=site), A @ expected, rtol=1e-6)


def test_an_effect_is_the_site_s_residual_times_its_weight_over_weight_plus_shrinkage():
    X, y, site = cohort()
    m = SiteEffects(task="regression", shrinkage=7.0).fit(X, y, domain=site, target="t")
    rest = y - m.encoder_.transform(X) @ m.coef_ - m.intercept_
    for name, n in (("a", 40), ("b", 40), ("t", 20)):
        shrunk = rest[site == name].mean() * n / (n + 7.0)
        assert m.effects_[name][0] == pytest.approx(shrunk, rel=1e-6)


def test_for_classes_the_gradient_of_the_penalised_likelihood_vanishes():
    X, score, site = cohort(120)
    y = (score > np.median(score)).astype(int)
    m = SiteEffects(shrinkage=3.0).fit(X, y, domain=site, target="t")
    Z = m.encoder_.transform(X)
    p = m.predict_proba(X, domain=site)[:, 1]
    np.testing.assert_allclose(Z.T @ (p - y) + m.penalty_ * m.coef_[0], 0.0, atol=1e-5)
    for name in ("a", "b", "t"):
        rest = (p - y)[site == name].sum()
        assert rest + 3.0 * m.effects_[name][0] == pytest.approx(0.0, abs=1e-5)


def test_a_site_never_seen_gets_the_shared_intercept_and_the_target_s_effect_is_the_default():
    X, y, site = cohort()
    m = SiteEffects(task="regression").fit(X, y, domain=site, target="t")
    new = X[:5]
    np.testing.assert_allclose(m.predict(new), m.predict(new, domain=["t"] * 5))
    gap = m.predict(new, domain=["t"] * 5) - m.predict(new, domain=["elsewhere"] * 5)
    np.testing.assert_allclose(gap, m.effects_["t"][0])


def test_endless_shrinkage_leaves_no_effect():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X @ [1.0, 1.0] + rng.normal(size=200)
    site = np.array(["a", "b", "c", "t"] * 50)
    strong = SiteEffects(task="regression", shrinkage=1e9).fit(X, y, domain=site, target="t")
    assert abs(strong.effects_["t"][0]) < 1e-5


@pytest.mark.parametrize("wrong", [0.0, -1.0])
def test_a_shrinkage_that_is_not_positive_is_refused(wrong):
    X, y, site = cohort()
    with pytest.raises(InputError, match="above zero"):
        SiteEffects(task="regression", shrinkage=wrong).fit(X, y, domain=site, target="t")
