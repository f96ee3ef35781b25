"""Balancing, joint learning, correction and prevalence, each against a plain computation on pooled rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logit

from medgraft.methods.base import InputError, TableEncoder
from medgraft.methods.federated.balanced_site import BalancedSite
from medgraft.methods.federated.messages import Federation
from medgraft.methods.federated.trans_balance import TransBalance
from medgraft.methods.model.lasso import SHARES, L1Problem, fit_l1
from medgraft.methods.splits import inner_folds
from medgraft.methods.table import Table


def hospitals(seed=0, sizes=(150, 120, 100), share=0.85, south=1.0, own=0.0):
    """A rare outcome; the rule of the south may have another sign, the target's an effect of its own."""
    rng = np.random.default_rng(seed)
    site = np.repeat(["north", "south", "here"], sizes)
    X = rng.normal(size=(len(site), 5))
    rule = X @ [1.5, -1.0, 0.0, 0.0, 0.0] * np.where(site == "south", south, 1.0) + 0.4 * (site == "here")
    noisy = rule + own * X[:, 3] * (site == "here") + rng.logistic(size=len(site))
    return X, (noisy > np.quantile(noisy, share)).astype(int), site


def made(X, y, site, name, encoder):
    at = np.flatnonzero(site == name)
    at = at[np.argsort(Table.of(X[at]).keys(), kind="stable")]  # the order that a fit gives its rows
    ones = np.ones(len(at))
    table = Table.of(X[at])
    one = BalancedSite(name, table, y[at], ones, ones > 0, np.arange(len(at)), classes=2)
    one.prepare(encoder)
    return one


def even(y):
    return len(y) / 2 / np.bincount(y)[y]


@pytest.mark.parametrize(("own", "seed"), [(0.0, 0), (1.2, 5), (1.2, 7)])
def test_without_detection_it_is_the_pooled_fit_of_drawn_rows_and_a_correction_on_the_target(own, seed):
    X, y, site = hospitals(seed=seed, share=0.7 if own else 0.85, own=own)
    m = TransBalance(detect=False).fit(X, y, domain=site, target="here", groups=np.arange(len(y)))
    encoder = TableEncoder().fit(X)
    Z = encoder.transform(X)
    # A fit sorts rows by content, and numbers classes as they turn up.
    keys = Table.of(X).keys()
    first = y[keys.argmin()]
    drawn = {}
    for name in ("north", "south", "here"):
        at = np.flatnonzero(site == name)
        at = at[np.argsort(keys[at])]
        ones = np.ones(len(at))
        code = (y[at] != first).astype(int)
        s = BalancedSite(name, Table.of(X[at]), code, ones, ones > 0, np.arange(len(at)), classes=2)
        s.prepare(encoder)
        s.answer("balance", {"seed": np.array([0]), "shrink": np.array([1.0])})
        A, c, w = s._rows()
        drawn[name] = A[:, :-1], np.where(c == 1, 1 - first, first), w
    P, c, w = (np.concatenate([d[i] for d in drawn.values()]) for i in range(3))
    pooled = fit_l1(L1Problem(P, c, 2), w, m.penalty_)
    np.testing.assert_allclose(m.pooled_coef_, pooled, atol=1e-6)
    here = site == "here"
    stratum = (y[here] != first).astype(int)
    fold = inner_folds(np.arange(here.sum()), k=5, seed=0, stratum=stratum)
    # The penalty of the correction: in each fold, the joint rule is that of all real rows but the fold's.
    balanced = np.concatenate([even(y[site == s]) for s in ("north", "south", "here")])
    parts = []
    for f in range(5):
        train = np.ones(len(y), dtype=bool)
        train[np.flatnonzero(here)[fold == f]] = False
        w_hat = fit_l1(L1Problem(Z[train], y[train], 2), balanced[train], m.penalty_)
        offset = Z[here] @ w_hat[:, :-1].T + w_hat[:, -1]
        problem = L1Problem(Z[here][fold != f], y[here][fold != f], 2, offset[fold != f])
        parts.append((problem, offset, balanced[here][fold != f]))
    top = max(problem.largest(v) for problem, _, v in parts)
    losses = []
    for share in SHARES:
        loss = 0.0
        for f, (problem, offset, v) in enumerate(parts):
            b = fit_l1(problem, v, share * top)
            test = L1Problem(Z[here][fold == f], y[here][fold == f], 2, offset[fold == f])
            loss += balanced[here][fold == f] @ test.loss(test.scores(b))
        losses.append(loss)
    H, c, w = drawn["here"]
    last = L1Problem(H, c, 2, H @ pooled[:, :-1].T + pooled[:, -1])
    delta = fit_l1(last, w, SHARES[int(np.argmin(losses))] * last.largest(w))
    np.testing.assert_allclose(m.correction_, delta, atol=1e-6)
    np.testing.assert_allclose(m.coef_, (pooled + delta)[:, :-1], atol=1e-6)
    shift = logit(y[here].mean()) - logit(w @ c / w.sum())
    np.testing.assert_allclose(m.intercept_, (pooled + delta)[:, -1] + shift, atol=1e-6)
    assert m.prevalence_ == pytest.approx(y[here].mean())


def test_the_penalty_is_chosen_on_real_patients_whose_classes_weigh_the_same():
    X, y, site = hospitals()
    m = TransBalance(detect=False).fit(X, y, domain=site, target="here", groups=np.arange(len(y)))
    Z = TableEncoder().fit(X).transform(X)
    w, fold = np.empty(len(y)), np.empty(len(y), dtype=int)
    for name in np.unique(site):
        at = site == name
        w[at] = even(y[at])
        fold[at] = inner_folds(np.arange(at.sum()), k=5, seed=0, stratum=(y[at] != y[0]).astype(int))
    problem = L1Problem(Z, y, 2)
    losses = []
    lams = SHARES * problem.largest(w)
    for lam in lams:
        loss = 0.0
        for f in range(5):
            beta = fit_l1(L1Problem(Z[fold != f], y[fold != f], 2), w[fold != f], lam)
            loss += w[fold == f] @ problem.loss(problem.scores(beta))[fold == f]
        losses.append(loss)
    assert m.penalty_ == pytest.approx(lams[int(np.argmin(losses))], rel=1e-6)


def test_detection_losses_are_those_of_a_plain_loop_and_the_opposite_rule_is_dropped():
    X, y, site = hospitals(sizes=(150, 300, 200), share=0.7, south=-1.0)
    m = TransBalance().fit(X, y, domain=site, target="here", groups=np.arange(len(y)))
    Z = TableEncoder().fit(X).transform(X)
    here = np.flatnonzero(site == "here")
    w = np.concatenate([even(y[site == s]) for s in ("north", "south", "here")])
    fold = np.full(len(y), -1)
    fold[here] = inner_folds(np.arange(len(here)), k=5, seed=0, stratum=(y[here] != y[0]).astype(int))
    best = {}
    for name in ("north", "south", None):
        used = (site == "here") | (site == name)
        problem = L1Problem(Z[used], y[used], 2)
        lams = SHARES * problem.largest(w[used])
        paths = np.empty((len(lams), 5))
        for f in range(5):
            train, test = fold[used] != f, fold[used] == f
            for i, lam in enumerate(lams):
                beta = fit_l1(L1Problem(Z[used][train], y[used][train], 2), w[used][train], lam)
                paths[i, f] = w[used][test] @ problem.loss(problem.scores(beta))[test]
        size = np.array([w[fold == f].sum() for f in range(5)])
        mean = paths.sum(axis=1) / size.sum()
        best[name] = mean.min(), (paths[mean.argmin()] / size).std(ddof=1)
    assert m.losses_["north"] == pytest.approx(best["north"][0], rel=1e-4)
    assert m.losses_["south"] == pytest.approx(best["south"][0], rel=1e-4)
    assert m.target_loss_ == pytest.approx(best[None][0], rel=1e-4)
    assert m.threshold_ == pytest.approx(best[None][0] + 2 * max(best[None][1], 0.01), rel=1e-3)
    assert m.kept_ == ["north"]
    assert m.losses_["south"] > m.threshold_


def test_drawn_rows_are_balanced_and_hang_on_patients_not_on_the_site_s_place():
    X, y, site = hospitals()
    encoder = TableEncoder().fit(X)
    names = ["north", "south", "here"]
    sites = [made(X, y, site, s, encoder) for s in names]
    request = {"seed": np.array([3]), "shrink": np.array([1.0])}
    drawn = Federation(sites).ask("balance", request)
    for a in drawn:
        assert abs(a["drawn"][0] - a["drawn"][1]) <= 1.0
    other = made(X, y, site, "south", encoder)
    other.answer("balance", request)
    np.testing.assert_array_equal(other._rows()[0], sites[1]._rows()[0])
    assert not np.array_equal(sites[0]._rows()[0][:5], sites[1]._rows()[0][:5])


def test_only_sums_leave_a_site():
    X, y, site = hospitals()
    m = TransBalance().fit(X, y, domain=site, target="here")
    q = m.encoder_.n_out_ + 1
    for e in m.log_:
        if e["direction"] == "from":
            sizes = {
                "gradients": {8 * (q + 2) * k for k in range(1, 400)},  # one for each model still moving
                "gram": {8 * q * q},
            }.get(e["question"], set())
            assert e["bytes"] in sizes or all(len(s) < 2 and np.prod(s) <= 195 for s in e["arrays"].values())


def test_a_site_with_one_class_keeps_its_own_rows_and_a_target_without_labels_gets_the_pooled_rule():
    X, y, site = hospitals()
    y = np.where(site == "north", 0, y)
    m = TransBalance().fit(X, y, domain=site, target="here", labelled=site != "here")
    assert (m.correction_ == 0).all()
    assert "too few labels to choose or correct" in m.note_
    assert m.prevalence_ == pytest.approx(y[site != "here"].mean())


def test_a_target_with_one_patient_of_a_class_is_pooled_with_all_sources():
    X, y, site = hospitals()
    y[site == "here"] = np.arange((site == "here").sum()) == 0
    m = TransBalance().fit(X, y, domain=site, target="here")
    assert m.kept_ == ["north", "south"]
    assert m.losses_ == {}
    assert (m.correction_ == 0).all()
    assert m.prevalence_ == pytest.approx(y[site == "here"].mean())  # known all the same
    none = TransBalance().fit(X, np.where(site == "here", 0, y), domain=site, target="here")
    assert none.prevalence_ == pytest.approx(y[site != "here"].sum() / len(y))


def test_a_target_with_few_patients_detects_nothing_and_says_so():
    X, y, site = hospitals(sizes=(150, 120, 20), share=0.6)
    m = TransBalance().fit(X, y, domain=site, target="here")
    assert "all sources were kept" in m.note_
    assert m.losses_ == {}
    assert m.kept_ == ["north", "south"]


def test_more_classes_and_negative_settings_are_refused():
    X, _, site = hospitals()
    with pytest.raises(InputError, match="Only binary"):
        TransBalance().fit(X, np.arange(len(X)) % 3, domain=site, target="here")
    for bad in ({"tolerance": -1.0}, {"shrink": -0.1}):
        with pytest.raises(InputError, match="negative"):
            TransBalance(**bad).fit(X, np.arange(len(X)) % 2, domain=site, target="here")
