"""The federated fit is the pooled fit, and sums are all that a site gives away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from medgraft.methods.base import InputError, TableEncoder
from medgraft.methods.federated.messages import Federation
from medgraft.methods.federated.newton import FederatedNewton, _Server
from medgraft.methods.federated.scaling import federated_encoder
from medgraft.methods.federated.site import Site
from medgraft.methods.learner import PENALTIES
from medgraft.methods.splits import inner_folds
from medgraft.methods.table import Table


def hospitals(task="classification", seed=0, sizes=(80, 50, 30)):
    rng = np.random.default_rng(seed)
    site = np.repeat(["north", "south", "here"], sizes)
    frame = pd.DataFrame(
        rng.normal(size=(len(site), 3)) * [1.0, 20.0, 0.1] + [0.0, 100.0, 5.0], columns=list("abc")
    )
    frame["sex"] = rng.choice(["f", "m"], len(site))
    frame["stage"] = rng.choice(["I", "II", "III"], len(site))
    score = frame["a"] + 0.05 * (frame["b"] - 100) + (frame["sex"] == "m") + 0.8 * (site == "south")
    noise = rng.logistic(size=len(site))
    y = score + noise if task == "regression" else np.where(score + noise > 0.5, "ill", "well")
    return frame, np.asarray(y), site


def objective(theta, Z, D, y, lam, kappa, task):
    p = Z.shape[1]
    eta = Z @ theta[:p] + theta[p] + D @ theta[p + 1 :]
    loss = 0.5 * (y - eta) ** 2 if task == "regression" else np.logaddexp(0, eta) - y * eta
    return loss.sum() + 0.5 * lam * theta[:p] @ theta[:p] + 0.5 * kappa * theta[p + 1 :] @ theta[p + 1 :]


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("kappa", [0.0, 5.0])
def test_the_fit_is_the_pooled_optimum_in_at_most_ten_rounds(task, kappa):
    X, y, site = hospitals(task)
    m = FederatedNewton(task=task, penalty=2.0, centre_effects=kappa).fit(X, y, domain=site, target="here")
    Z = TableEncoder().fit(X).transform(X)  # no gaps, so that the pooled encoder is the same
    names = list(m.effects_)
    D = (site[:, None] == np.array(names)).astype(float) if kappa else np.zeros((len(y), 0))
    # Classes are numbered as they turn up; either way round is the same model with the other sign.
    code = y if task == "regression" else (y == m.classes_[1]).astype(float)
    start = np.zeros(Z.shape[1] + 1 + D.shape[1])
    found = minimize(
        objective,
        start,
        (Z, D, code, 2.0, kappa, task),
        method="BFGS",
        options={"gtol": 1e-8, "maxiter": 2000},
    ).x
    here = found[Z.shape[1] + 1 + names.index("here")] if kappa else 0.0
    eta = Z @ found[: Z.shape[1]] + found[Z.shape[1]] + here
    expected = eta if task == "regression" else 1 / (1 + np.exp(-eta))
    got = m.predict(X) if task == "regression" else m.predict_proba(X)[:, 1]
    np.testing.assert_allclose(got, expected, atol=1e-6, rtol=1e-6)
    effects = found[Z.shape[1] + 1 :] if kappa else np.zeros(len(names))
    np.testing.assert_allclose(list(m.effects_.values()), effects, atol=1e-6)
    assert m.rounds_ <= 10


def test_the_gradient_of_the_pooled_objective_vanishes():
    X, y, site = hospitals()
    m = FederatedNewton(penalty=0.5).fit(X, y, domain=site, target="here")
    Z = m.encoder_.transform(X)
    p = m.predict_proba(X)[:, 1]
    rest = p - (y == m.classes_[1])
    np.testing.assert_allclose(Z.T @ rest + 0.5 * m.learner_.coef_[0], 0.0, atol=1e-8)
    assert rest.sum() == pytest.approx(0.0, abs=1e-8)


def test_means_deviations_and_levels_are_those_of_the_pooled_rows():
    X, _, site = hospitals()
    table = Table.of(X)
    sites = [_site(table, site, s) for s in ("north", "south", "here")]
    made, pooled = federated_encoder(Federation(sites), table), TableEncoder().fit(X)
    np.testing.assert_allclose(made.mean_, pooled.mean_, rtol=1e-12)
    np.testing.assert_allclose(made.scale_, pooled.scale_, rtol=1e-12)
    assert made.names_ == pooled.names_
    np.testing.assert_allclose(made.transform(X), pooled.transform(X), atol=1e-12)


def test_a_gap_gets_the_pooled_mean_and_a_column_that_marks_it():
    X, _, site = hospitals()
    X.loc[:20, "b"] = np.nan
    table = Table.of(X)
    made = federated_encoder(Federation([_site(table, site, s) for s in np.unique(site)]), table)
    assert "b is missing" in made.names_
    Z = made.transform(X)
    assert (Z[:21, made.names_.index("b")] == 0).all()


def _site(table, site, name):
    at = np.flatnonzero(site == name)
    ones = np.ones(len(at))
    return Site(name, table.take(at), np.zeros(len(at)), ones, ones > 0, np.arange(len(at)), classes=2)


def test_only_sums_leave_a_site_and_every_byte_is_logged():
    X, y, site = hospitals()
    m = FederatedNewton(penalty=1.0).fit(X, y, domain=site, target="here")
    p = m.encoder_.n_out_
    largest = max(np.prod(s) if s else 1 for e in m.log_ for s in e["arrays"].values())
    assert largest <= (p + 1) ** 2  # no array as long as a hospital has patients, beyond the Hessian
    slopes = [e for e in m.log_ if e["question"] == "slopes" and e["direction"] == "from"]
    assert all(e["bytes"] == 8 * (1 + (p + 1) + (p + 1) ** 2) for e in slopes)
    assert m.bytes_ == sum(e["bytes"] for e in m.log_)
    assert len(slopes) == 3 * m.rounds_


def test_a_site_refuses_other_questions_and_small_sites_take_no_part():
    X, y, site = hospitals(sizes=(80, 50, 2))
    with pytest.raises(InputError, match="does not answer 'rows'"):
        _site(Table.of(X), site, "north").answer("rows", {})
    m = FederatedNewton(penalty=1.0).fit(X, y, domain=site, target="here")
    assert m.report_["left out"] == ["here"]
    assert "left out: here" in m.note_
    without = FederatedNewton(penalty=1.0).fit(
        X[site != "here"], y[site != "here"], domain=site[site != "here"], target="here"
    )
    np.testing.assert_allclose(m.predict_proba(X), without.predict_proba(X), atol=1e-9)


def test_no_difference_of_two_rounds_is_a_sum_over_fewer_patients_than_the_least():
    X, y, site = hospitals(sizes=(80, 50, 12))
    code = (y == "ill").astype(float)
    for name, folds in (("north", 5), ("here", 1)):
        at = np.flatnonzero(site == name)
        made = Site(
            name,
            Table.of(X.iloc[at]),
            code[at],
            np.ones(len(at)),
            np.ones(len(at), bool),
            np.arange(len(at)),
            classes=2,
        )
        made.prepare(TableEncoder().fit(X))
        q = TableEncoder().fit(X).n_out_ + 1
        sums = made.answer("slopes", {"beta": np.zeros((6, q)), "out": np.arange(-1, 5)})
        # At beta = 0 each patient counts a quarter in the Hessian of the intercept.
        size = 4 * (sums["hessian"][0, -1, -1] - sums["hessian"][1:, -1, -1])
        assert len(np.unique(size)) <= folds
        assert ((size == 0) | (size >= 5 - 1e-9)).all()
    few = Site("x", Table.of(X[:40]), code[:40], np.ones(40), np.arange(40) < 2, np.arange(40), classes=2)
    assert few.labelled_patients == 0
    with pytest.raises(InputError, match="shares no sums"):
        Site("y", Table.of(X[:3]), code[:3], np.ones(3), np.ones(3, bool), np.arange(3), classes=2).answer(
            "count", {}
        )


def test_the_penalty_chosen_is_on_the_grid_and_larger_for_noise():
    X, y, site = hospitals("regression")
    people = np.arange(len(y))
    m = FederatedNewton(task="regression").fit(X, y, domain=site, target="here", groups=people)
    assert m.penalty_ in [10.0**k for k in range(-2, 5)]
    fixed = FederatedNewton(task="regression", penalty=m.penalty_).fit(
        X, y, domain=site, target="here", groups=people
    )
    np.testing.assert_allclose(m.predict(X), fixed.predict(X), atol=1e-8)
    noise = FederatedNewton(task="regression").fit(
        X, np.random.default_rng(0).normal(size=len(y)), domain=site, target="here", groups=people
    )
    assert noise.penalty_ > m.penalty_  # noise asks for more shrinking than signal


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_penalty_is_that_of_a_plain_loop_over_folds_and_penalties(task):
    X, y, site = hospitals(task)
    code = y if task == "regression" else (y == "ill").astype(float)
    table, encoder = Table.of(X), TableEncoder().fit(X)
    k = 0 if task == "regression" else 2
    fold, sites = np.empty(len(y), dtype=int), []
    for name in np.unique(site):
        at = np.flatnonzero(site == name)
        ones = np.ones(len(at))
        sites.append(Site(name, table.take(at), code[at], ones, ones > 0, np.arange(len(at)), classes=k))
        sites[-1].prepare(encoder)
        fold[at] = inner_folds(np.arange(len(at)), k=5, seed=0, stratum=code[at].astype(int) if k else None)
    server = _Server(Federation(sites), encoder.n_out_, 0.0)
    chosen = server.tuned()
    Z = encoder.transform(X)
    losses = np.empty((len(PENALTIES), 5))
    for i, lam in enumerate(PENALTIES):
        for f in range(5):
            train, none = fold != f, np.zeros((len(y), 0))
            given = (Z[train], none[train], code[train], lam, 0.0, task)
            start = np.zeros(Z.shape[1] + 1)
            theta = minimize(objective, start, given, method="BFGS", options={"gtol": 1e-7}).x
            held = (Z[~train], none[~train], code[~train], 0.0, 0.0, task)
            losses[i, f] = objective(theta, *held)
    np.testing.assert_allclose(server.losses, losses, rtol=1e-5)
    assert chosen == PENALTIES[losses.sum(axis=1).argmin()]
    assert server.settled


def test_rounds_that_do_not_suffice_are_said(monkeypatch):
    X, y, site = hospitals()
    monkeypatch.setattr("medgraft.methods.federated.newton.ROUNDS", 2)
    m = FederatedNewton(penalty=0.1).fit(X, y, domain=site, target="here")
    assert "stopped after 2 rounds" in m.note_
    monkeypatch.undo()
    assert FederatedNewton(penalty=0.1).fit(X, y, domain=site, target="here").note_ == ""


def test_the_encoder_is_sent_in_a_message_of_its_own_and_made_alike_by_every_site():
    X, _, site = hospitals()
    table = Table.of(X)
    sites = [_site(table, site, s) for s in np.unique(site)]
    federation = Federation(sites)
    made = federated_encoder(federation, table)
    assert federation.rounds == 5
    sent = [e for e in federation.log if e["question"] == "encoder" and e["direction"] == "to"]
    assert [e["bytes"] for e in sent] == 3 * [8 * (3 * 3 + 1 + (2 + 1) + (3 + 1))]
    for s in sites:
        at = site == s.name
        np.testing.assert_array_equal(s._rows()[0][:, :-1], made.transform(X[at]))


def test_more_than_two_classes_and_negative_settings_are_refused():
    X, _, site = hospitals()
    with pytest.raises(InputError, match="Only binary"):
        FederatedNewton().fit(X, np.arange(len(X)) % 3, domain=site, target="here")
    with pytest.raises(InputError, match="negative"):
        FederatedNewton(penalty=-1.0).fit(X, np.arange(len(X)) % 2, domain=site, target="here")
