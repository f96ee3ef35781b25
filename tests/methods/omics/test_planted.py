from __future__ import annotations

import numpy as np

from medgraft.methods.omics.planted import planted_network


def test_modules_are_dense_inside_and_degrees_do_not_give_them_away():
    inside, gap = [], []
    for seed in range(30):
        toy = planted_network(4, 12, 60, inside=0.5, seed=seed)
        place = {g: i for i, g in enumerate(toy.genes)}
        A = np.zeros((108, 108))
        for a, b in toy.edges:
            A[place[a], place[b]] = A[place[b], place[a]] = 1
        own = (toy.module[:, None] == toy.module) & (toy.module[:, None] >= 0)
        inside.append(A[own].sum() / (4 * 12 * 11))
        gap.append(A[toy.module >= 0].sum(axis=1).mean() - A[toy.module < 0].sum(axis=1).mean())
    assert abs(np.mean(inside) - 0.5) < 0.02
    assert abs(np.mean(gap)) < 0.4  # of about 10


def test_rows_of_a_module_share_one_factor_and_others_none():
    toy = planted_network(2, 5, 10)
    R = np.corrcoef(toy.rows(4000, noise=1.0).T)
    expected = np.where((toy.module[:, None] == toy.module) & (toy.module >= 0), 0.5, 0.0)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(R, expected, atol=0.08)
