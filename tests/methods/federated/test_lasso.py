"""The federated sparse fit is the pooled one, and gradients are all that a site gives away."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.base import InputError, TableEncoder
from medgraft.methods.federated.lasso import FederatedLasso
from medgraft.methods.federated.proximal import Proximal
from medgraft.methods.model.lasso import SHARES, L1Problem, fit_l1
from medgraft.methods.splits import inner_folds


def hospitals(task="classification", seed=0, sizes=(80, 60, 40), p=8):
    rng = np.random.default_rng(seed)
    site = np.repeat(["north", "south", "here"], sizes)
    X = rng.normal(size=(len(site), p)) * rng.uniform(0.1, 10.0, p) + rng.normal(size=p)
    Z = TableEncoder().fit_transform(X)
    score = Z @ np.r_[1.5, -1.0, np.zeros(p - 2)] + 0.5 * (site == "south")
    if task == "regression":
        return X, 200.0 + 30.0 * (score + rng.normal(size=len(site))), site
    noisy = score + rng.logistic(size=len(site))
    cuts = np.quantile(noisy, [0.85] if task == "classification" else [0.3, 0.7])
    return X, np.digitize(noisy, cuts), site


@pytest.mark.parametrize("task", ["classification", "multiclass", "regression"])
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_fit_is_the_pooled_one(task, share):
    X, y, site = hospitals(task)
    w = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    Z = TableEncoder().fit(X, sample_weight=w).transform(X)
    k = 0 if task == "regression" else y.max() + 1
    problem = L1Problem(Z, y, k)
    lam = share * problem.largest(w)
    m = FederatedLasso(task=task, penalty=lam).fit(X, y, domain=site, target="here", sample_weight=w)
    beta = fit_l1(problem, w, lam)
    unit = np.abs(beta).max()
    np.testing.assert_allclose(np.atleast_2d(m.coef_) / unit, beta[:, :-1] / unit, atol=1e-6)
    np.testing.assert_allclose(m.intercept_ / unit, beta[:, -1] / unit, atol=1e-6)
    assert (np.atleast_2d(m.coef_)[beta[:, :-1] == 0] == 0).all()
    assert m.note_ == ""


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_penalty_is_that_of_a_plain_loop_over_folds_and_penalties(task):
    X, y, site = hospitals(task, p=4)
    patient = np.random.default_rng(2).permutation(len(y))
    m = FederatedLasso(task=task).fit(X, y, domain=site, target="here", groups=patient)
    Z, k = TableEncoder().fit(X).transform(X), 0 if task == "regression" else 2
    fold = np.empty(len(y), dtype=int)
    for name in np.unique(site):
        at = np.flatnonzero(site == name)
        at = at[np.argsort(patient[at])]
        stratum = y[at] if k else None
        fold[at] = inner_folds(np.arange(len(at)), k=5, seed=0, stratum=stratum)
    lams = SHARES * L1Problem(Z, y, k).largest(np.ones(len(y)))
    losses = np.zeros(len(lams))
    for f in range(5):
        train, test = fold != f, fold == f
        for i, lam in enumerate(lams):
            beta = fit_l1(L1Problem(Z[train], y[train], k), np.ones(train.sum()), lam)
            held = L1Problem(Z[test], y[test], k)
            losses[i] += held.loss(held.scores(beta)).sum()
    assert m.penalty_ == pytest.approx(lams[losses.argmin()], rel=1e-8)


def test_every_message_is_a_sum_of_known_size():
    X, y, site = hospitals()
    m = FederatedLasso(penalty=0.05).fit(X, y, domain=site, target="here")
    q = m.encoder_.n_out_ + 1
    kinds = {e["question"] for e in m.log_}
    assert kinds == {"moments", "count", "spread", "encoder", "gram", "gradients"}
    sent = [e["bytes"] for e in m.log_ if e["question"] == "gradients" and e["direction"] == "from"]
    assert sent == [8 * (q + 2)] * (3 * m.rounds_)
    grams = [e["bytes"] for e in m.log_ if e["question"] == "gram" and e["direction"] == "from"]
    assert grams == [8 * q * q] * 3
    assert m.bytes_ == sum(e["bytes"] for e in m.log_)


def test_a_column_in_other_units_gives_the_same_model():
    X, y, site = hospitals()
    a = FederatedLasso(penalty=0.02).fit(X, y, domain=site, target="here")
    b = FederatedLasso(penalty=0.02).fit(X * 1000.0 + 5.0, y, domain=site, target="here")
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X * 1000.0 + 5.0), atol=1e-7)


def test_a_class_that_only_a_small_site_has_keeps_its_column():
    X, y, site = hospitals(sizes=(80, 60, 3))
    y = np.where(site == "here", 2, y)
    m = FederatedLasso(penalty=0.05).fit(X, y, domain=site, target="here")
    assert m.report_["left out"] == ["here"]
    proba = m.predict_proba(X)
    assert proba.shape == (len(y), 3)
    assert proba[:, 2].max() < 1e-3


def test_rounds_that_do_not_suffice_are_said(monkeypatch):
    X, y, site = hospitals()
    monkeypatch.setattr(Proximal, "rough_rounds", 3)
    m = FederatedLasso().fit(X, y, domain=site, target="here")
    assert m.note_ == "Some penalties were compared before their fits had settled."
    monkeypatch.setattr(Proximal, "rounds", 3)
    m = FederatedLasso(penalty=0.01).fit(X, y, domain=site, target="here")
    assert m.note_ == "The rounds ended before the coefficients had settled."


def test_a_negative_penalty_is_refused():
    X, y, site = hospitals()
    with pytest.raises(InputError, match="negative"):
        FederatedLasso(penalty=-0.1).fit(X, y, domain=site, target="here")
