"""Embeddings against eigenvectors, and rotations that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import ortho_group

from medgraft.base import MedgraftError
from medgraft.methods.records import align_hospitals, procrustes, svd_embedding


def table(n=12, d=3, seed=0, first=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(n, d)), index=[f"c{i}" for i in range(first, first + n)])


def test_inner_products_of_a_matrix_of_low_rank_come_back():
    E = table(30, 4).to_numpy()
    found = svd_embedding(E @ E.T, 4)
    np.testing.assert_allclose(found @ found.T, E @ E.T, atol=1e-10)


def test_what_is_left_over_is_the_least_possible():
    rng = np.random.default_rng(1)
    S = rng.normal(size=(20, 20))
    S = S + S.T
    found = svd_embedding(S, 5)
    values = np.sort(np.linalg.eigvalsh(S))[::-1]
    assert values[-1] < -values[5]  # negative eigenvalues are large, and are not taken for embeddings
    assert np.square(S - found @ found.T).sum() == pytest.approx(np.square(values[5:]).sum())


def test_many_codes_and_few_have_the_same_embeddings():
    S = sparse.random_array((600, 600), density=0.02, rng=np.random.default_rng(0))
    S = (S + S.T).tocsr()
    values, vectors = np.linalg.eigh(S.toarray())
    best = vectors[:, ::-1][:, :6] * np.sqrt(values[::-1][:6])
    found = svd_embedding(S, 6)
    np.testing.assert_allclose(found, best * np.sign((best * found).sum(axis=0)), atol=1e-8)
    np.testing.assert_array_equal(found, svd_embedding(S, 6))


def test_the_largest_entry_of_a_column_is_positive():
    E = svd_embedding(-np.ones((3, 3)) + 5 * np.eye(3), 2)
    assert (E[np.abs(E).argmax(axis=0), [0, 1]] > 0).all()


def test_procrustes_recovers_a_rotation_from_the_shared_codes_alone():
    B, W = table(12, 3), ortho_group.rvs(3, random_state=0)
    A = (B @ W.T).iloc[::-1]
    A = pd.concat([A.iloc[:8], table(5, 3, seed=9, first=50)])  # other codes, which must not pull
    np.testing.assert_allclose(procrustes(A, B), W, atol=1e-8)
    np.testing.assert_allclose(procrustes(A, B, ["c11", "c7", "c9"]), W, atol=1e-8)


def test_procrustes_is_the_best_of_all_rotations_on_noisy_codes():
    A, B = table(10, 3, seed=1), table(10, 3, seed=2)
    W = procrustes(A, B)
    np.testing.assert_allclose(W.T @ W, np.eye(3), atol=1e-12)
    best = np.linalg.norm(A.to_numpy() @ W - B.to_numpy())
    others = ortho_group.rvs(3, size=300, random_state=0)
    assert best <= min(np.linalg.norm(A.to_numpy() @ R - B.to_numpy()) for R in others)


def test_hospitals_are_laid_over_the_reference_and_nothing_is_changed():
    B = table()
    turns = [ortho_group.rvs(3, random_state=s) for s in (1, 2)]
    sites = {"x": B @ turns[0], "ref": B, "y": (B @ turns[1]).iloc[4:]}
    before = {k: v.copy() for k, v in sites.items()}
    found = align_hospitals(sites, "ref")
    for name, E in found.items():
        np.testing.assert_allclose(E, B.loc[sites[name].index], atol=1e-10)
        pd.testing.assert_frame_equal(sites[name], before[name])
    np.testing.assert_allclose(align_hospitals(sites)["ref"], sites["x"], atol=1e-10)


def test_mistakes_are_told():
    B = table()
    with pytest.raises(MedgraftError, match="symmetric"):
        svd_embedding(np.triu(np.ones((3, 3))), 1)
    with pytest.raises(MedgraftError, match="between 1 and the number of codes 3"):
        svd_embedding(np.eye(3), 4)
    with pytest.raises(MedgraftError, match="has 1 positive eigenvalues"):
        svd_embedding(np.diag([1.0, 0.0, -2.0]), 2)
    with pytest.raises(MedgraftError, match="2 shared codes"):
        procrustes(B.iloc[:2], B)
    with pytest.raises(MedgraftError, match="'c99' is not in both"):
        procrustes(B, B, ["c1", "c2", "c99"])
    with pytest.raises(MedgraftError, match="lengths 2 and 3"):
        procrustes(B.iloc[:, :2], B)
    with pytest.raises(MedgraftError, match="no site 'z'"):
        align_hospitals({"x": B}, "z")
