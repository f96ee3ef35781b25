from __future__ import annotations

import numpy as np
import pytest

from medgraft.studies.li2024 import HERE, auc_of_related, embeddings, hospitals


@pytest.mark.parametrize("seed", [3, 4])
def test_the_other_hospital_brings_the_embeddings_nearer_to_the_true_ones(seed):
    made = hospitals(seed)
    found = embeddings(made)
    T = made.embeddings[HERE]

    def error(name):
        E = found[name].loc[T.index].to_numpy()
        return np.linalg.norm(E @ E.T - (T @ T.T).to_numpy())

    assert error("MUGS") < 0.9 * error("MUGS, target alone") < error("SVD, target alone")
    assert auc_of_related(made, T, seed) == 1.0  # the true embeddings part the pairs, by how they were drawn
