from __future__ import annotations

import numpy as np
import pandas as pd

from medgraft.methods.records.baselines import averaged_embedding, pooled_embedding


def hospitals(seed=0):
    """Two hospitals without noise whose codes overlap, and the embedding that both have."""
    E = np.random.default_rng(seed).normal(size=(12, 3))
    names = [f"c{i:02d}" for i in range(12)]
    parts = {"a": slice(0, 9), "b": slice(3, 12)}
    matrices = {s: pd.DataFrame(E[p] @ E[p].T, index=names[p], columns=names[p]) for s, p in parts.items()}
    return matrices, pd.DataFrame(E, index=names)


def test_averaged_embeddings_of_hospitals_that_agree_give_every_inner_product_that_is_true():
    matrices, truth = hospitals()
    E = averaged_embedding(matrices, 3, "a").to_numpy()
    np.testing.assert_allclose(E @ E.T, truth @ truth.T, atol=1e-6)


def test_a_pooled_matrix_is_the_mean_over_those_who_have_both_codes_written_out():
    matrices, _ = hospitals(1)
    matrices["b"] = matrices["b"] * 3
    names = sorted(set(matrices["a"].index) | set(matrices["b"].index))
    mean = np.zeros((12, 12))
    for i, x in enumerate(names):
        for j, y in enumerate(names):
            values = [S.loc[x, y] for S in matrices.values() if x in S.index and y in S.index]
            mean[i, j] = sum(values) / len(values) if values else 0.0
    values, vectors = np.linalg.eigh(mean)
    expected = (vectors[:, -3:] * values[-3:]) @ vectors[:, -3:].T
    E = pooled_embedding(matrices, 3)
    assert list(E.index) == names
    np.testing.assert_allclose(E.to_numpy() @ E.to_numpy().T, expected, atol=1e-8)


def test_the_order_of_hospitals_and_of_codes_does_not_matter():
    matrices, _ = hospitals(2)
    turned = {s: S.iloc[::-1, ::-1] for s, S in reversed(matrices.items())}
    for make in (lambda m: pooled_embedding(m, 3), lambda m: averaged_embedding(m, 3, "a")):
        one, other = make(matrices).to_numpy(), make(turned).to_numpy()
        np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-8)
