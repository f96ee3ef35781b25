"""LEEP against loops over its definition."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.rank.leep import leep


def naive(theta, y):
    n, classes = len(y), sorted(set(y))
    joint = {
        (c, z): sum(theta[i][z] for i in range(n) if y[i] == c) / n
        for c in classes
        for z in range(theta.shape[1])
    }
    marginal = [sum(joint[c, z] for c in classes) for z in range(theta.shape[1])]
    return (
        sum(
            log(sum(joint[y[i], z] / marginal[z] * theta[i][z] for z in range(theta.shape[1])))
            for i in range(n)
        )
        / n
    )


def test_it_is_the_papers_formula():
    rng = np.random.default_rng(0)
    theta, y = rng.dirichlet(np.ones(6), size=30), np.arange(30) % 3
    assert leep(theta, y) == pytest.approx(naive(theta, y.tolist()), abs=1e-8)


def test_by_hand():
    # P(a|z) = 0.75, 0.25, so an image of a expects 0.75 * 0.75 + 0.25 * 0.25.
    assert leep([[0.75, 0.25], [0.25, 0.75]], ["a", "b"]) == pytest.approx(log(0.625), abs=1e-12)


def test_a_source_class_that_is_never_seen_changes_nothing():
    rng = np.random.default_rng(1)
    theta, y = rng.dirichlet(np.ones(4), size=20), np.arange(20) % 2
    assert leep(np.c_[theta, np.zeros(20)], y) == pytest.approx(leep(theta, y), abs=1e-12)


@pytest.mark.parametrize("theta", [[[0.5, 0.6], [0.5, 0.5]], [[-0.5, 1.5], [0.5, 0.5]]])
def test_what_is_no_probability_is_said(theta):
    with pytest.raises(MedgraftError, match="LEEP needs probabilities"):
        leep(theta, [0, 1])
