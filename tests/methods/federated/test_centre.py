"""Slopes shared, means, scales and intercepts kept: against the joint optimum and other units."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from federated_sites import coefficients, hospitals
from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.centre import CentreSite, FedCentre
from medgraft.methods.federated.newton import FederatedNewton
from medgraft.methods.table import Table

NAMES = ["north", "south", "here"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_with_shared_scales_and_one_step_it_ends_at_the_optimum_with_centre_effects(task):
    X, y, site = hospitals(task)
    settings = {"rounds": 20000, "local_steps": 1, "own_scale": False, "hold": 3.0}
    a = FedCentre(task=task, **settings).fit(X, y, domain=site, target="here")
    b = FederatedNewton(task=task, penalty=1.0, centre_effects=3.0).fit(X, y, domain=site, target="here")
    unit = np.abs(coefficients(b)).max()
    np.testing.assert_allclose(coefficients(a) / unit, coefficients(b) / unit, atol=1e-6)
    np.testing.assert_allclose(a.effect_ / unit, b.effects_["here"] / unit, atol=1e-6)
    np.testing.assert_array_equal(a.predict(X) > 0, b.predict(X) > 0)


@pytest.mark.parametrize("task", ["classification", "multiclass"])
def test_with_own_scales_and_one_step_it_ends_at_the_joint_optimum(task):
    X, y, site = hospitals(task)
    Z = np.empty_like(X)
    for s in NAMES:
        at = site == s
        Z[at] = (X[at] - X[at].mean(axis=0)) / X[at].std(axis=0)
    D = (site[:, None] == np.array(NAMES)).astype(float)
    m, p = (3 if task == "multiclass" else 1), X.shape[1]

    def objective(flat):
        B, c, u = np.split(flat.reshape(m, -1), [p, p + 1], axis=1)
        eta = Z @ B.T + c[:, 0] + D @ u.T
        if m == 1:
            loss = np.logaddexp(0, eta[:, 0]) - y * eta[:, 0]
        else:
            loss = np.log(np.exp(eta).sum(axis=1)) - eta[np.arange(len(y)), y]
        return loss.sum() + 0.5 * (B**2).sum() + 0.5 * 2.0 * (u**2).sum()

    best = minimize(objective, np.zeros(m * (p + 4)), method="BFGS", options={"gtol": 1e-7}).x.reshape(m, -1)
    eta = Z @ best[:, :p].T + best[:, p] + best[:, -1]
    if m == 1:
        eta = np.column_stack([np.zeros(len(y)), eta])
    expected = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    model = FedCentre(task=task, rounds=20000, local_steps=1, hold=2.0).fit(X, y, domain=site, target="here")
    here = site == "here"
    np.testing.assert_allclose(model.predict_proba(X[here]), expected[here], atol=1e-6)


def test_other_units_at_one_site_change_nothing():
    X, y, site = hospitals()
    other = np.where(site[:, None] == "south", 1000.0 * X - 7.0, X)
    a = FedCentre(rounds=200).fit(X, y, domain=site, target="here")
    b = FedCentre(rounds=200).fit(other, y, domain=site, target="here")
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-8)


def own_encoder(A, weight, units):
    n = len(A)
    site = CentreSite(
        "s", Table.of(A), np.zeros(n), weight, np.ones(n, dtype=bool), units, classes=0, min_patients=5
    )
    site.prepare(TableEncoder().fit(np.linspace(-1.0, 1.0, 2 * n).reshape(n, 2)))
    return site._own_encoder(), site.encoder


def test_a_site_measures_itself_by_its_patients_and_not_by_their_rows_or_weights():
    A = np.random.default_rng(0).normal(5.0, 3.0, size=(24, 2))
    A[8:, 1] = np.nan  # the second column: eight rows
    everyone, one = np.arange(24), np.where(np.arange(24) < 8, 0, np.arange(24))
    half, _ = own_encoder(A, np.full(24, 0.5), everyone)
    np.testing.assert_allclose(half.mean_, np.nanmean(A, axis=0))
    np.testing.assert_allclose(half.scale_, np.nanstd(A, axis=0))
    own, shared = own_encoder(A, np.ones(24), one)
    np.testing.assert_allclose(own.mean_, [A[:, 0].mean(), shared.mean_[1]])
    np.testing.assert_allclose(own.scale_, [A[:, 0].std(), shared.scale_[1]])


def test_no_message_holds_a_site_s_scale_or_intercept():
    X, y, site = hospitals()
    m = FedCentre(rounds=6).fit(X, y, domain=site, target="here")
    q = m.encoder_.n_out_ + 1
    answers = [e for e in m.log_ if e["direction"] == "from" and e["question"] in ("train", "settings")]
    assert {e["bytes"] for e in answers} == {0, 8 * q}  # slopes and the shared intercept
    here = X[site == "here"]
    np.testing.assert_allclose(m.encoder_.mean_, here.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(m.encoder_.scale_, here.std(axis=0), rtol=1e-12)


def test_a_target_that_takes_no_part_gets_the_shared_scales_and_intercept():
    X, y, site = hospitals(sizes=(80, 60, 3))
    m = FedCentre().fit(X, y, domain=site, target="here")
    assert (m.effect_ == 0).all()
    rest = site != "here"
    np.testing.assert_allclose(m.encoder_.mean_, X[rest].mean(axis=0), rtol=1e-12)


def test_a_target_without_labels_keeps_its_own_scales():
    X, y, site = hospitals()
    m = FedCentre().fit(X, y, domain=site, target="here", labelled=site != "here")
    assert (m.effect_ == 0).all()
    np.testing.assert_allclose(m.encoder_.mean_, X[site == "here"].mean(axis=0), rtol=1e-12)
