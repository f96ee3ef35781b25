"""The federated Cox fit is the pooled stratified one, against the partial likelihood written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, minimize

from medgraft.methods.base import InputError, TableEncoder
from medgraft.methods.federated.cox import FederatedCox, partial_likelihood


def hospitals(seed=0, sizes=(80, 60, 40), ties=True):
    rng = np.random.default_rng(seed)
    site = np.repeat(["north", "south", "here"], sizes)
    X = pd.DataFrame(rng.normal(size=(len(site), 3)) * [1.0, 20.0, 0.1] + [0, 100, 5], columns=list("abc"))
    X["sex"] = rng.choice(["f", "m"], len(site))
    hazard = np.exp(0.8 * X["a"] - 0.03 * (X["b"] - 100) + 0.5 * (X["sex"] == "m") + 1.0 * (site == "south"))
    time, stop = rng.exponential(1 / hazard.to_numpy()), rng.exponential(2.0, len(site))
    event = time <= stop
    time = np.minimum(time, stop)
    return X, np.ceil(time * 10) if ties else time, event, site


def written_out(beta, Z, time, event):
    """Efron's negative log partial likelihood, term by term."""
    risk, total = np.exp(Z @ beta), 0.0
    for t in np.unique(time[event]):
        tied = event & (time == t)
        for k in range(tied.sum()):
            total += np.log(risk[time >= t].sum() - k / tied.sum() * risk[tied].sum())
        total -= (Z[tied] @ beta).sum()
    return total


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_the_fit_is_the_pooled_stratified_one_in_at_most_ten_rounds(ties, penalty):
    X, time, event, site = hospitals(ties=ties)
    m = FederatedCox(penalty=penalty).fit(X, time, event, domain=site)
    Z = TableEncoder().fit(X).transform(X)

    def objective(beta):
        parts = [written_out(beta, Z[site == s], time[site == s], event[site == s]) for s in np.unique(site)]
        return sum(parts) + 0.5 * penalty * beta @ beta

    best = minimize(objective, np.zeros(Z.shape[1]), method="BFGS", options={"gtol": 1e-6}).x
    np.testing.assert_allclose(m.coef_, best, atol=1e-6)
    np.testing.assert_allclose(m.predict(X), Z @ best, atol=1e-5)
    assert m.rounds_ <= 10
    assert m.note_ == ""


def test_sums_of_one_stratum_are_those_written_out_and_their_derivatives():
    X, time, event, _ = hospitals()
    Z, beta = TableEncoder().fit_transform(X), np.array([0.5, -0.3, 0.1, 0.2])
    loss, score, information = partial_likelihood(Z, time, event, beta)
    assert loss == pytest.approx(written_out(beta, Z, time, event), rel=1e-12)
    np.testing.assert_allclose(score, approx_fprime(beta, written_out, 1e-6, Z, time, event), atol=1e-3)
    step = 1e-5
    for j in range(4):
        e = step * np.eye(4)[j]
        up, down = (partial_likelihood(Z, time, event, b)[1] for b in (beta + e, beta - e))
        np.testing.assert_allclose(information[j], (up - down) / (2 * step), atol=1e-4)


def test_two_patients_by_hand():
    loss, score, information = partial_likelihood(
        np.array([[1.0], [0.0]]), np.array([1.0, 1.0]), np.array([True, True]), np.array([np.log(3.0)])
    )
    # Efron: log(3 + 1) + log(4 - 4 / 2) - log 3; means of z are 3/4 in both terms.
    assert loss == pytest.approx(np.log(4) + np.log(2) - np.log(3))
    np.testing.assert_allclose(score, [0.75 + 0.75 - 1.0])
    np.testing.assert_allclose(information, [[2 * 0.75 * 0.25]])


def test_a_step_so_long_that_a_risk_set_weighs_nothing_is_refused():
    X, time, event, _ = hospitals()
    Z = TableEncoder().fit_transform(X)
    loss, score, information = partial_likelihood(Z, time, event, np.array([3000.0, 0.0, 0.0, 0.0]))
    assert loss == np.inf
    assert not score.any()
    assert not information.any()


def test_a_feature_that_orders_all_events_gives_a_finite_fit():
    rng = np.random.default_rng(0)
    time = rng.exponential(size=60)
    m = FederatedCox(penalty=1e-3).fit(-time[:, None], time, np.ones(60, bool), domain=["a", "b"] * 30)
    assert np.isfinite(m.coef_).all()
    assert m.coef_[0] > 5
    assert m.note_ == ""


def test_only_sums_leave_a_site_and_no_time_does():
    X, time, event, site = hospitals()
    m = FederatedCox().fit(X, time, event, domain=site)
    p = m.encoder_.n_out_
    sent = [e for e in m.log_ if e["question"] == "partial" and e["direction"] == "from"]
    assert all(e["bytes"] == 8 * (1 + p + p * p) for e in sent)
    assert len(sent) == 3 * m.rounds_
    assert m.bytes_ == sum(e["bytes"] for e in m.log_)
    again = FederatedCox().fit(X, np.exp(np.where(site == "here", 0.1, 0.03) * time), event, domain=site)
    np.testing.assert_allclose(again.coef_, m.coef_, atol=1e-9)  # only the order within a site counts


def test_rows_in_another_order_give_the_same_fit():
    X, time, event, site = hospitals()
    p = np.random.default_rng(1).permutation(len(site))
    a = FederatedCox().fit(X, time, event, domain=site)
    b = FederatedCox().fit(X.iloc[p], time[p], event[p], domain=site[p])
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-9)


def test_sites_with_few_events_are_left_out_and_mistakes_are_said():
    X, time, event, site = hospitals()
    few = event & ((site != "here") | (np.arange(len(site)) % 40 < 2))
    m = FederatedCox().fit(X, time, few, domain=site)
    assert m.left_out_ == ["here"]
    rest = site != "here"
    alone = FederatedCox().fit(X[rest], time[rest], event[rest], domain=site[rest])
    np.testing.assert_allclose(m.coef_, alone.coef_, atol=1e-12)
    with pytest.raises(InputError, match="patients with the event"):
        FederatedCox().fit(X, time, np.zeros(len(site)), domain=site)
    with pytest.raises(InputError, match="finite"):
        FederatedCox().fit(X, np.where(event, time, np.nan), event, domain=site)
    with pytest.raises(InputError, match="true or false"):
        FederatedCox().fit(X, time, event + 1, domain=site)
    with pytest.raises(InputError, match="one value for each"):
        FederatedCox().fit(X, time[:-1], event, domain=site)
    with pytest.raises(InputError, match="negative"):
        FederatedCox(penalty=-1.0).fit(X, time, event, domain=site)
