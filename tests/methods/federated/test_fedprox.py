"""FedProx: its limits, its local problem written out and its fixed point."""

from __future__ import annotations

import numpy as np
import pytest

from federated_sites import coefficients, design, hospitals, rate_of, train
from medgraft.methods.federated.fedavg import FedAvg
from medgraft.methods.federated.fedprox import FedProx
from medgraft.methods.federated.newton import FederatedNewton

NAMES = ["north", "south", "here"]


@pytest.mark.parametrize("task", ["classification", "multiclass", "regression"])
def test_without_a_pull_it_is_averaging(task):
    X, y, site = hospitals(task)
    a = FedProx(task=task, rounds=5, mu=0.0).fit(X, y, domain=site, target="here")
    b = FedAvg(task=task, rounds=5).fit(X, y, domain=site, target="here")
    np.testing.assert_array_equal(coefficients(a), coefficients(b))


def test_an_endless_pull_keeps_the_model_at_its_start():
    X, y, site = hospitals()
    m = FedProx(rounds=20, mu=1e12).fit(X, y, domain=site, target="here")
    np.testing.assert_allclose(coefficients(m), 0.0, atol=1e-9)


def test_rounds_are_those_of_the_loop_written_out():
    X, y, site = hospitals()
    Z, mu = design(X), 0.7
    theta, rate = np.zeros((1, Z.shape[1])), rate_of(Z, site, "classification", 1.0, NAMES, mu)
    for _ in range(3):
        parts = [
            train(theta, Z[site == s], y[site == s], "classification", 4, rate, 1.0 / len(y), mu)
            for s in NAMES
        ]
        theta = np.average(parts, axis=0, weights=[(site == s).sum() for s in NAMES])
    m = FedProx(rounds=3, local_steps=4, mu=mu).fit(X, y, domain=site, target="here")
    np.testing.assert_allclose(coefficients(m), theta, atol=1e-10)


def test_a_stronger_pull_ends_nearer_to_the_pooled_optimum():
    X, y, site = hospitals(apart=1.5)
    pooled = coefficients(FederatedNewton(penalty=1.0).fit(X, y, domain=site, target="here"))
    off = [
        np.abs(
            coefficients(FedProx(rounds=3000, local_steps=20, mu=mu).fit(X, y, domain=site, target="here"))
            - pooled
        ).max()
        for mu in (0.0, 0.3, 3.0)
    ]
    assert off[0] > 2 * off[1] > 4 * off[2]
