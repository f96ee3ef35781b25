from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import ortho_group, rankdata

from medgraft.base import MedgraftError
from medgraft.methods.explain.activations import activations
from medgraft.methods.explain.similarity import cka, rsa
from small_networks import maps, network

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 6)), RNG.normal(size=(12, 4))


@pytest.mark.parametrize("measure", [cka, lambda a, b: cka(a, b, debiased=False), rsa])
def test_a_layer_is_like_itself_turned_shifted_and_scaled(measure):
    assert measure(X, X) == pytest.approx(1)
    turn = ortho_group.rvs(6, random_state=0)
    assert measure(X, 3 * X @ turn + 5) == pytest.approx(1)
    assert measure(X @ turn, 7 * Y - 1) == pytest.approx(measure(X, Y))
    assert measure(X, Y) == pytest.approx(measure(Y, X)) and abs(measure(X, Y)) < 0.95
    rows = RNG.permutation(12)
    assert measure(X[rows], Y[rows]) == pytest.approx(measure(X, Y))


def test_plain_cka_is_the_share_of_squared_covariance():
    a, b = X - X.mean(axis=0), Y - Y.mean(axis=0)
    truth = np.linalg.norm(b.T @ a) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert cka(X, Y, debiased=False) == pytest.approx(truth)


def test_debiased_cka_is_the_u_statistic_over_distinct_patients():
    a, b = X[:7], Y[:7]
    K, L = a @ a.T, b @ b.T

    def u(K, L):
        return np.mean(
            [K[i, j] * (L[i, j] + L[q, r] - 2 * L[i, q]) for i, j, q, r in permutations(range(7), 4)]
        )

    assert cka(a, b) == pytest.approx(u(K, L) / np.sqrt(u(K, K) * u(L, L)))


def test_unrelated_wide_layers_have_no_debiased_cka_on_average():
    pairs = [(RNG.normal(size=(20, 200)), RNG.normal(size=(20, 200))) for _ in range(300)]
    found = np.array([cka(a, b) for a, b in pairs])
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(300)
    assert np.mean([cka(a, b, debiased=False) for a, b in pairs]) > 0.8


def test_rsa_is_the_rank_correlation_of_distances():
    i, j = np.triu_indices(12, 1)
    a, b = (rankdata(np.linalg.norm(Z[i] - Z[j], axis=1)) for Z in (X, Y))
    assert rsa(X, Y) == pytest.approx(np.corrcoef(a, b)[0, 1])
    a, b = (rankdata([1 - np.corrcoef(Z[p], Z[q])[0, 1] for p, q in zip(i, j, strict=True)]) for Z in (X, Y))
    each = X * RNG.uniform(1, 2, (12, 1)) + RNG.normal(size=(12, 1))  # a scale and a shift for each patient
    assert rsa(X - X.mean(axis=0), Y, distance="correlation") == rsa(X, Y, distance="correlation")
    assert np.isfinite(rsa(each, Y, distance="correlation"))


def test_rows_of_one_patient_are_one():
    who = np.repeat(np.arange(12), 2)
    twice = [np.repeat(Z, 2, axis=0) for Z in (X, Y)]
    for measure in (cka, rsa):
        assert measure(*twice, group=who) == pytest.approx(measure(X, Y))
    with pytest.raises(MedgraftError, match="four patients or more, not on 3"):
        cka(X, Y, group=np.arange(12) % 3)


def test_layers_that_say_nothing_and_rows_that_do_not_match():
    assert np.isnan(cka(np.ones((9, 3)), RNG.normal(size=(9, 3))))
    assert np.isnan(rsa(np.ones((9, 3)), RNG.normal(size=(9, 3))))
    with pytest.raises(MedgraftError, match="not of 12 and 5"):
        cka(X, Y[:5])
    with pytest.raises(MedgraftError, match="no distance 'cosine'"):
        rsa(X, Y, distance="cosine")


def test_activations_are_what_a_block_gives(picture):
    path, x = picture
    found = activations(network(), [path, path], block="conv")
    assert found.shape == (2, 3) and np.allclose(found, maps(x).mean(axis=(1, 2)), rtol=1e-5)
    with pytest.raises(MedgraftError, match="no block 'con'. Did you mean 'conv'"):
        activations(network(), [path], block="con")
