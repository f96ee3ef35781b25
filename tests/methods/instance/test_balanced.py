"""Balanced weighting: the loss is what it says, and its share is chosen on the target."""

import numpy as np
from sklearn.linear_model import Ridge

from medgraft.methods.instance.balanced import SHARES, BalancedWeighting
from medgraft.methods.splits import inner_folds


def cohort(same, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(240, 2))
    y = np.where((np.arange(240) < 200) & (not same), X[:, 0], X[:, 1]) + 0.5 * rng.normal(size=240)
    return X, y, np.repeat(["s", "t"], [200, 40])


def test_it_minimises_the_convex_combination_of_the_two_mean_losses():
    X, y, site = cohort(same=False)
    m = BalancedWeighting(task="regression", estimator=Ridge(alpha=1e-9)).fit(X, y, domain=site, target="t")
    Z = np.column_stack([m.encoder_.transform(X), np.ones(240)])
    g = m.gamma_
    w = np.where(site == "t", g / 40, (1 - g) / 200)
    b = np.linalg.solve(Z.T @ (w[:, None] * Z), Z.T @ (w * y))
    np.testing.assert_allclose(m.predict(X), Z @ b, atol=1e-6)


def test_losses_are_those_of_a_plain_loop():
    X, y, site = cohort(same=False)
    patient = np.array([f"p{i:03d}" for i in range(240)])
    m = BalancedWeighting(task="regression", estimator=Ridge())
    m.fit(X, y, domain=site, target="t", groups=patient)
    Z, own = m.encoder_.transform(X), np.arange(200, 240)
    fold = inner_folds(np.arange(40), k=5, seed=0)
    for share, loss in zip(SHARES, m.losses_, strict=True):
        total = 0.0
        for f in range(5):
            rows = np.r_[np.arange(200), own[fold != f]]
            w = np.where(rows >= 200, share / 32, (1 - share) / 200) * 232
            model = Ridge().fit(Z[rows], y[rows], sample_weight=w)
            total += ((model.predict(Z[own[fold == f]]) - y[own[fold == f]]) ** 2).sum()
        np.testing.assert_allclose(loss, total, rtol=1e-9)


def test_another_rule_asks_for_the_target_and_the_same_rule_for_the_source():
    shares = []
    for same in (False, True):
        X, y, site = cohort(same)
        shares.append(BalancedWeighting(task="regression").fit(X, y, domain=site, target="t").gamma_)
    assert shares[0] == 0.9
    assert shares[1] < 0.9
