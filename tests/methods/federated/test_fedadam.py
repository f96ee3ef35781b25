"""FedAdam: its first step in closed form, the rule written out, and where it settles."""

from __future__ import annotations

import numpy as np
import pytest

from federated_sites import coefficients, hospitals
from medgraft.methods.base import InputError
from medgraft.methods.federated.fedadam import FedAdam
from medgraft.methods.federated.fedavg import FedAvg


@pytest.mark.parametrize("task", ["classification", "multiclass"])
def test_the_first_step_is_that_of_the_rule_in_closed_form(task):
    X, y, site = hospitals(task)
    change = coefficients(FedAvg(task=task, rounds=1).fit(X, y, domain=site, target="here"))
    m = FedAdam(task=task, rounds=1, server_rate=0.3, adaptivity=0.02).fit(X, y, domain=site, target="here")
    expected = 0.3 * 0.1 * change / (np.sqrt(0.99 * 0.02**2 + 0.01 * change**2) + 0.02)
    if len(expected) > 1:  # intercepts of several classes count up to a constant
        expected[:, -1] -= expected[:, -1].mean()
    np.testing.assert_allclose(coefficients(m), expected, atol=1e-12)


def test_changes_are_remembered_as_the_rule_written_out_has_it():
    move, rng = FedAdam(server_rate=0.2, adaptivity=0.05)._mover(), np.random.default_rng(0)
    theta, m, v = np.zeros((2, 3)), np.zeros((2, 3)), np.full((2, 3), 0.05**2)
    mine = theta
    for change in rng.normal(size=(6, 2, 3)):
        m = 0.9 * m + 0.1 * change
        v = 0.99 * v + 0.01 * change**2
        theta = theta + 0.2 * m / (np.sqrt(v) + 0.05)
        mine = move(mine, change)
    np.testing.assert_allclose(mine, theta, atol=1e-14)


@pytest.mark.parametrize("task", ["classification", "multiclass", "regression"])
def test_by_default_it_settles_where_averaging_does(task):
    X, y, site = hospitals(task)
    a = FedAdam(task=task, rounds=3000).fit(X, y, domain=site, target="here")
    b = FedAvg(task=task, rounds=3000).fit(X, y, domain=site, target="here")
    unit = np.abs(coefficients(b)).max()
    np.testing.assert_allclose(coefficients(a) / unit, coefficients(b) / unit, atol=1e-6)
    assert a.note_ == ""


def test_rates_of_zero_are_refused():
    X, y, site = hospitals()
    for bad in ({"server_rate": 0.0}, {"adaptivity": 0.0}):
        with pytest.raises(InputError, match="above zero"):
            FedAdam(**bad).fit(X, y, domain=site, target="here")
