"""Nearest-neighbour weighting against a plain count."""

import numpy as np
import pytest

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


def test_a_row_between_two_cells_counts_half_in_either():
    source = Side(np.array([[-1.0], [1.0]]), np.ones(2), np.arange(2))
    target = Side(np.array([[0.0], [1.0]]), np.ones(2), np.arange(2))
    ratio = NearestNeighbourWeighting(cells=None)._estimate(source, target)
    np.testing.assert_allclose(ratio(np.array([[-1.0], [1.0]])), [1.5 / 2, 2.5 / 2])
    assert ratio(np.array([[0.0]]))[0] == pytest.approx(1.0)


def lattice(seed=0):
    """Whole numbers on scales that the encoder divides out: nearly every distance is met several times."""
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.integers(0, 5, (70, 3)), rng.integers(1, 6, (50, 3))]) * [0.1, 0.3, 7.0]
    return X, np.repeat(["s", "t"], [70, 50])


def weights(X, site, **more):
    m = NearestNeighbourWeighting(task="regression", **more)
    return m.fit(X, np.arange(len(X)) * 1.0, domain=site, target="t", labelled=site == "s").weights_


@pytest.mark.parametrize("cells", [None, "auto", 4])
def test_ties_leave_no_trace_of_the_order_of_rows(cells):
    X, site = lattice()
    w = weights(X, site, cells=cells)
    for seed in range(8):
        p = np.random.default_rng(seed).permutation(120)
        np.testing.assert_allclose(weights(X[p], site[p], cells=cells), w[p], rtol=1e-9)


def test_ties_leave_no_trace_of_the_order_of_columns():
    X, site = lattice()
    w = weights(X, site, cells=None)
    for columns in ([1, 2, 0], [2, 1, 0], [0, 2, 1]):
        np.testing.assert_allclose(weights(X[:, columns], site, cells=None), w, rtol=1e-9)


def test_copies_of_a_row_in_several_patients_are_one_cell():
    X, site = lattice()
    patient = np.arange(120) // 2
    m = NearestNeighbourWeighting(task="regression", cells=None)
    m.fit(X, X[:, 0], domain=site, target="t", labelled=site == "s", groups=patient)
    np.testing.assert_allclose(m.weights_, weights(X, site, cells=None), rtol=1e-9)


def test_cuts_with_other_rows_are_averaged():
    rng = np.random.default_rng(0)
    source = Side(rng.normal(size=(40, 2)), np.ones(40), np.arange(40))
    target = Side(rng.normal(size=(30, 2)), np.ones(30), np.arange(30))
    both = NearestNeighbourWeighting(cells=20)._estimate(source, target)
    assert [len(c) for c in both.centres] == [20, 20]
    each = [Cells([c], [v])(source.Z) for c, v in zip(both.centres, both.values, strict=True)]
    np.testing.assert_allclose(both(source.Z), np.mean(each, axis=0))
