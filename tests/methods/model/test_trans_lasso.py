"""Trans-Lasso: the ranking, and the aggregation against the paper's recursion in plain loops."""

from __future__ import annotations

import numpy as np

from medgraft.methods.model.trans_lasso import TransLasso, q_aggregate


def test_q_aggregation_is_the_paper_s_recursion():
    rng = np.random.default_rng(0)
    X, fits = rng.normal(size=(30, 4)), rng.normal(size=(3, 4))
    y = X @ fits[1] + rng.normal(size=30)
    shares, b = q_aggregate(X, y, np.ones(30), fits)
    rss = [((y - X @ f) ** 2).sum() for f in fits]
    unit = min(rss) / 30
    theta = np.exp([-r / (2 * unit) for r in rss - np.min(rss)])
    theta /= theta.sum()
    mixed = sum(t * f for t, f in zip(theta, fits, strict=True))
    for _ in range(10):
        e = np.array([-r / 2 + ((X @ (mixed - f)) ** 2).sum() / 8 for r, f in zip(rss, fits, strict=True)])
        theta = np.exp((e - e.max()) / unit)
        theta /= theta.sum()
        mixed = 0.25 * sum(t * f for t, f in zip(theta, fits, strict=True)) + 0.75 * mixed
    np.testing.assert_allclose(shares, theta, rtol=1e-9)
    np.testing.assert_allclose(b, mixed, rtol=1e-9)


def test_sources_are_ranked_by_how_far_their_rule_is():
    rng = np.random.default_rng(1)
    p, beta = 15, np.r_[1.0, -1.0, np.zeros(13)]
    rules = {"same": beta, "half": beta + np.r_[np.zeros(2), 0.7, 0.7, np.zeros(11)], "far": -2 * beta}
    site = np.repeat([*rules, "here"], [300, 300, 300, 90])
    X = rng.normal(size=(len(site), p))
    y = np.array([x @ rules.get(s, beta) for x, s in zip(X, site, strict=True)]) + 0.3 * rng.normal(size=990)
    people = np.arange(len(y))  # named, so that the folds do not hang on the values
    m = TransLasso().fit(X, y, domain=site, target="here", groups=people)
    assert m.ranking_ == ["same", "half", "far"]
    assert abs(m.shares_.sum() - 1.0) < 1e-12
    assert m.shares_.argmax() in (1, 2)  # not alone, and not with the source that misleads
    moved = TransLasso().fit(X, 100 * y + 7, domain=site, target="here", groups=people)  # other units
    np.testing.assert_allclose(moved.shares_, m.shares_, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(moved.predict(X[:5]), 100 * m.predict(X[:5]) + 7, rtol=1e-5)


def test_few_target_patients_pool_every_source_and_it_is_said():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(55, 3))
    y = X @ [1.0, 0.0, 0.0] + 0.1 * rng.normal(size=55)
    m = TransLasso().fit(X, y, domain=np.repeat(["a", "here"], [50, 5]), target="here")
    assert "too few labels" in m.note_
    assert m.shares_.tolist() == [0.0, 1.0]
