"""Federated averaging against the loop written out, its fixed point, gradient descent and its log."""

from __future__ import annotations

import numpy as np
import pytest

from federated_sites import coefficients, design, hospitals, rate_of, slope, train
from medgraft.methods.base import InputError
from medgraft.methods.federated.fedavg import FedAvg
from medgraft.methods.federated.newton import FederatedNewton

TASKS = ["classification", "multiclass", "regression"]
NAMES = ["north", "south", "here"]


def standard(y, task):
    return ((y - y.mean()) / y.std(), y.mean(), y.std()) if task == "regression" else (y, 0.0, 1.0)


def in_units(theta, centre, scale):
    out = theta * scale
    out[:, -1] += centre
    return out


@pytest.mark.parametrize("task", TASKS)
def test_with_one_local_step_it_is_gradient_descent_on_the_pooled_objective(task):
    X, y, site = hospitals(task)
    Z, (u, centre, scale) = design(X), standard(y, task)
    theta = np.zeros((3 if task == "multiclass" else 1, Z.shape[1]))
    rate = rate_of(Z, site, task, 2.0, NAMES)
    for _ in range(4):
        g = slope(theta, Z, u, task)
        g[:, :-1] += 2.0 * theta[:, :-1]
        theta = theta - rate * g / len(y)
    m = FedAvg(task=task, rounds=4, local_steps=1, penalty=2.0).fit(X, y, domain=site, target="here")
    np.testing.assert_allclose(coefficients(m), in_units(theta, centre, scale), atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("task", TASKS)
def test_rounds_are_those_of_the_loop_written_out(task):
    X, y, site = hospitals(task)
    Z, (u, centre, scale) = design(X), standard(y, task)
    theta = np.zeros((3 if task == "multiclass" else 1, Z.shape[1]))
    rate, ridge = rate_of(Z, site, task, 1.0, NAMES), 1.0 / len(y)
    for _ in range(3):
        parts = [train(theta, Z[site == s], u[site == s], task, 5, rate, ridge) for s in NAMES]
        theta = np.average(parts, axis=0, weights=[(site == s).sum() for s in NAMES])
    m = FedAvg(task=task, rounds=3).fit(X, y, domain=site, target="here")
    np.testing.assert_allclose(coefficients(m), in_units(theta, centre, scale), atol=1e-10, rtol=1e-10)
    assert m.rounds_ == 3
    assert "give more rounds" in m.note_


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_with_one_local_step_it_ends_at_the_pooled_optimum(task):
    X, y, site = hospitals(task)
    newton = FederatedNewton(task=task, penalty=1.0).fit(X, y, domain=site, target="here")
    m = FedAvg(task=task, rounds=5000, local_steps=1).fit(X, y, domain=site, target="here")
    assert m.rounds_ < 5000
    unit = np.abs(coefficients(newton)).max()
    np.testing.assert_allclose(coefficients(m) / unit, coefficients(newton) / unit, atol=1e-6)


def test_with_one_site_it_is_local_training_however_many_steps_a_round():
    X, y, site = hospitals(sizes=(80, 60, 3))
    keep = site != "south"
    X, y, site = X[keep], y[keep], site[keep]  # "here" is too small to take part
    one = FedAvg(rounds=3000, local_steps=1).fit(X, y, domain=site, target="here")
    five = FedAvg(rounds=600, local_steps=5).fit(X, y, domain=site, target="here")
    alone = FederatedNewton(penalty=1.0).fit(X, y, domain=site, target="here")
    assert one.report_["sites"] == ["north"]
    np.testing.assert_allclose(coefficients(one), coefficients(alone), atol=1e-6)
    np.testing.assert_allclose(coefficients(five), coefficients(alone), atol=1e-6)


def test_for_squared_errors_it_ends_where_the_sites_displacements_cancel_in_closed_form():
    X, y, site = hospitals("regression", apart=1.0)
    Z, (u, centre, scale) = design(X), standard(y, "regression")
    rate, ridge, q = rate_of(Z, site, "regression", 1.0, NAMES), 1.0 / len(y), Z.shape[1]
    total, pull = np.zeros((q, q)), np.zeros(q)
    for s in NAMES:
        A, b = Z[site == s], u[site == s]
        H = A.T @ A / len(b) + ridge * np.diag(np.r_[np.ones(q - 1), 0.0])
        optimum = np.linalg.solve(H, A.T @ b / len(b))
        P = np.eye(q) - np.linalg.matrix_power(np.eye(q) - rate * H, 5)  # how far five steps go towards it
        total += len(b) * P
        pull += len(b) * P @ optimum
    fixed = in_units(np.linalg.solve(total, pull)[None, :], centre, scale)
    m = FedAvg(task="regression", rounds=3000).fit(X, y, domain=site, target="here")
    np.testing.assert_allclose(coefficients(m) / scale, fixed / scale, atol=1e-6)
    pooled = FedAvg(task="regression", rounds=5000, local_steps=1).fit(X, y, domain=site, target="here")
    assert np.abs(coefficients(pooled) - fixed).max() / scale > 1e-4  # the sites do pull it away


@pytest.mark.parametrize("task", TASKS)
def test_bytes_are_those_of_the_model_to_and_from_each_site_in_each_round_and_the_set_up(task):
    X, y, site = hospitals(task)
    m = FedAvg(task=task, rounds=7).fit(X, y, domain=site, target="here")
    p = m.encoder_.n_out_
    model = 8 * (p + 1) * (3 if task == "multiclass" else 1)
    encoder = 8 * (2 * p + 2 + p + p + (3 * p + 1))  # moments, count, mean and squares, encoder
    values = 8 * (2 + 1 + 1 + 2) if task == "regression" else 0
    settings = 8 * (2 + 4)  # weight and curvature; steps, rate, mu, ridge
    assert m.bytes_ == 7 * 3 * model * 2 + 3 * (encoder + values + settings)
    trained = [e for e in m.log_ if e["question"] == "train"]
    assert sum(e["bytes"] for e in trained) == 7 * 3 * model * 2


def test_a_site_without_labels_takes_no_share_and_out_of_range_settings_are_refused():
    X, y, site = hospitals()
    labelled = site != "south"
    a = FedAvg(rounds=5).fit(X, y, domain=site, target="here", labelled=labelled)
    b = FedAvg(rounds=5).fit(X, np.where(labelled, y, 1), domain=site, target="here", labelled=labelled)
    np.testing.assert_array_equal(coefficients(a), coefficients(b))
    assert np.isfinite(coefficients(a)).all()
    for bad in ({"rounds": 0}, {"local_steps": 0}, {"penalty": -1.0}):
        with pytest.raises(InputError):
            FedAvg(**bad).fit(X, y, domain=site, target="here")
