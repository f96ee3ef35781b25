from __future__ import annotations

import itertools

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.omics.coherence import _pools, coherence
from medgraft.methods.omics.planted import planted_network

TOY = planted_network(seed=3)


def test_planted_modules_are_recovered_and_random_nodes_are_not():
    rng = np.random.default_rng(0)
    modules = [np.where(TOY.module == m, 1.0, 0.0) + 0.2 * rng.random(108) for m in range(4)]
    noise = rng.random((4, 108))
    found = coherence([*modules, *noise], TOY.genes, TOY.edges, top=12)
    assert found.share == 0.5
    assert (found.p[:4] <= 2 / 1001).all() and (found.p[4:] > 0.01).all()
    for m in range(4):
        assert set(found.top[m]) == {g for g, k in zip(TOY.genes, TOY.module, strict=True) if k == m}


def test_under_no_coherence_p_values_are_uniform():
    rng = np.random.default_rng(1)
    p = coherence(rng.random((400, 108)), TOY.genes, TOY.edges, top=10, draws=200).p
    for level in (0.05, 0.2, 0.5):
        # Discrete counts make them conservative: never more often than the level and three standard errors.
        assert (p <= level).mean() < level + 3 * np.sqrt(level * (1 - level) / 400)
    assert (p <= 0.5).mean() > 0.3


def test_hubs_are_drawn_for_hubs_so_that_degree_alone_is_not_coherence():
    """Two kinds of genes in a network without modules, where kind alone decides on edges."""
    rng = np.random.default_rng(2)
    n, kind = 120, np.repeat([1, 0], [40, 80])
    chance = np.where(kind[:, None] & kind == 1, 0.5, 0.05)
    A = np.triu(rng.random((n, n)) < chance, 1)
    genes = [f"g{i}" for i in range(n)]
    edges = [(genes[i], genes[j]) for i, j in zip(*np.nonzero(A), strict=True)]
    L = np.where(kind, 1.0, 0.0) + 0.5 * rng.random((40, n))
    found = coherence(L, genes, edges, top=15)
    assert abs(found.z.mean()) < 0.8  # against sets of any degree it is above 4
    assert found.share == 0.0
    assert (found.centrality > 4).all()


def test_counts_and_scores_agree_with_a_naive_count_over_all_sets_of_like_degree():
    ring = [f"g{i}" for i in range(12)]
    edges = [(ring[i], ring[(i + d) % 12]) for i in range(12) for d in (1, 2)]  # every degree is 4
    L = np.zeros((1, 12))
    L[0, [0, 1, 2, 6]] = [4, 3, 2, 1]
    found = coherence(L, ring, edges, top=4, draws=20000)
    linked = {frozenset(e) for e in edges}
    every = [
        sum(frozenset((ring[i], ring[j])) in linked for i, j in itertools.combinations(s, 2))
        for s in itertools.combinations(range(12), 4)
    ]
    assert found.edges[0] == 3  # 0-1, 1-2, 0-2
    assert found.top == [["g0", "g1", "g2", "g6"]]
    assert found.z[0] == pytest.approx((3 - np.mean(every)) / np.std(every), abs=0.03)
    assert found.p[0] == pytest.approx(np.mean(np.array(every) >= 3), abs=0.015)
    assert found.centrality[0] == 0.0


def test_centrality_is_that_of_draws_without_replacement():
    star = [("hub", f"g{i}") for i in range(30)] + [(f"g{i}", f"g{i + 1}") for i in range(0, 8, 2)]
    genes = ["hub", *(f"g{i}" for i in range(30))]
    L = np.arange(31, 0, -1.0)[None]
    found = coherence(L, genes, star, top=5, draws=10)
    degree = {g: sum(g in e for e in star) for g in genes}
    rng = np.random.default_rng(0)
    values = np.array([degree[g] for g in genes], dtype=float)
    means = np.array([rng.choice(values, 5, replace=False).mean() for _ in range(20000)])
    expected = (values[:5].mean() - values.mean()) / means.std()
    assert found.centrality[0] == pytest.approx(expected, rel=0.03)


def test_a_gene_counts_once_by_its_strongest_column_and_columns_without_a_gene_not_at_all():
    rng = np.random.default_rng(4)
    L = rng.normal(size=(3, 108))
    plain = coherence(L, TOY.genes, TOY.edges, top=12)
    weaker = np.concatenate([0.3 * L, -L, 100 + np.abs(L[:, :5])], axis=1)
    names = [*TOY.genes, *TOY.genes, "", None, "unknown", "", None]
    doubled = coherence(weaker, names, TOY.edges, top=12)
    assert doubled.top == plain.top and doubled.genes == plain.genes == 108
    np.testing.assert_array_equal(doubled.p, plain.p)


def test_the_order_of_genes_and_doubled_turned_or_looping_edges_change_nothing():
    rng = np.random.default_rng(5)
    L = rng.normal(size=(3, 108))
    order = rng.permutation(108)
    edges = [(b, a) for a, b in TOY.edges[::-1]] + TOY.edges[:50] + [("g1", "g1")]
    a = coherence(L, TOY.genes, TOY.edges, top=12)
    b = coherence(L[:, order], [TOY.genes[i] for i in order], edges, top=12)
    np.testing.assert_array_equal(a.p, b.p)
    np.testing.assert_array_equal(a.z, b.z)
    np.testing.assert_array_equal(a.centrality, b.centrality)


def test_pools_hold_all_genes_once_and_equal_degrees_together():
    degree = np.random.default_rng(6).poisson(6, size=300).astype(float)
    pools = _pools(degree)
    assert sorted(np.concatenate(pools).tolist()) == list(range(300))
    assert min(len(pool) for pool in pools) >= 10 and len(pools) > 3
    for low, high in itertools.pairwise(pools):
        assert degree[low].max() < degree[high].min()


@pytest.mark.parametrize(
    ("L", "top", "why"),
    [
        (np.ones((2, 7)), 12, "one column a gene"),
        (np.full((1, 108), np.nan), 12, "not finite"),
        (np.ones((1, 108)), 1, "top must be 2 or more"),
        (np.ones((1, 108)), 60, "Only 108 of the measured genes are in the network"),
    ],
)
def test_what_cannot_be_judged_is_refused(L, top, why):
    with pytest.raises(MedgraftError, match=why):
        coherence(L, TOY.genes, TOY.edges, top=top)


def test_names_of_another_kind_are_pointed_out():
    with pytest.raises(MedgraftError, match="Only 0 of the measured genes.*in the same way"):
        coherence(np.ones((1, 2)), ["ENSG1", "ENSG2"], TOY.edges, top=2)
