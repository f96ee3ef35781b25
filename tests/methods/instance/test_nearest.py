"""Nearest-neighbour weighting against a plain count."""

import numpy as np

from medgraft.methods.instance.nearest import Cells, NearestNeighbourWeighting
from medgraft.methods.instance.ratio import even_out
from medgraft.methods.instance.weighting import Side


def test_with_every_source_row_a_cell_it_is_the_papers_smoothed_count():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(0, 1, (40, 2)), rng.normal(0.7, 1, (25, 2))]
    site = np.repeat(["a", "b"], [40, 25])
    m = NearestNeighbourWeighting(cells=None)
    m.fit(X, X[:, 0] > 0, domain=site, target="b", labelled=site == "a")
    Z = m.encoder_.transform(X)
    count = np.zeros(40)
    for t in Z[40:]:
        count[np.argmin(((Z[:40] - t) ** 2).sum(axis=1))] += 1
    np.testing.assert_allclose(m.weights_[:40], even_out(count + 1.0, np.ones(40)), rtol=1e-9)


def test_a_cell_weighs_the_ratio_of_smoothed_shares():
    place = np.array([0.0, 1.0])[:, None]
    source = Side(place, np.array([30.0, 10.0]), np.arange(2))
    target = Side(place, np.array([5.0, 15.0]), np.arange(2))
    ratio = NearestNeighbourWeighting(cells=2)._estimate(source, target)
    np.testing.assert_allclose(ratio(place), [(6 / 22) / (31 / 42), (16 / 22) / (11 / 42)])


def test_cuts_with_other_rows_are_averaged():
    rng = np.random.default_rng(0)
    source = Side(rng.normal(size=(40, 2)), np.ones(40), np.arange(40))
    target = Side(rng.normal(size=(30, 2)), np.ones(30), np.arange(30))
    both = NearestNeighbourWeighting(cells=20)._estimate(source, target)
    assert [len(c) for c in both.centres] == [20, 20]
    each = [Cells([c], [v])(source.Z) for c, v in zip(both.centres, both.values, strict=True)]
    np.testing.assert_allclose(both(source.Z), np.mean(each, axis=0))
