from __future__ import annotations

import numpy as np

from medgraft.methods.streaming.kmeans import StreamingKMeans
from medgraft.methods.streaming.projection import Projection


def bare(centres, counts, **settings):
    """Clusters of classes 0, 1, ... in coordinates that are the windows themselves."""
    m = StreamingKMeans(**{"unlabelled": 1.0} | settings)
    d, k = len(centres[0]), len(centres)
    m.projection_ = Projection(np.zeros(d), np.zeros(d), np.eye(d))
    m.mean_, m.count_, m.mass_ = np.array(centres, float), np.array(counts, float), np.eye(k)
    m.classes_ = np.arange(k)
    return m


def test_sequential_k_means_is_the_hand_example():
    # 1 goes to the centre 0 (count 1): (0 + 1) / 2; then 2 to it: 0.5 + (2 - 0.5) / 3 = 1; 9 to 10: 9.5.
    m = bare([[0.0], [10.0]], [1, 1]).partial_fit([[1.0], [2.0], [9.0]])
    np.testing.assert_allclose(m.mean_.ravel(), [1.0, 9.5])
    assert m.count_.tolist() == [3, 2]


def test_centres_are_lloyds_means_of_the_windows_that_came_to_them():
    X = np.random.default_rng(0).normal(size=(200, 2)) + np.repeat([[-9, 0], [9, 0]], 100, axis=0)
    X = np.random.default_rng(1).permutation(X)
    m = bare([[-9.0, 0.0], [9.0, 0.0]], [1, 1]).partial_fit(X)
    for j, start in enumerate(([-9.0, 0.0], [9.0, 0.0])):
        mine = np.vstack([start, X[(X[:, 0] > 0) == bool(j)]])
        np.testing.assert_allclose(m.mean_[j], mine.mean(axis=0))
        assert m.count_[j] == len(mine)


def test_forgetting_weights_windows_by_their_age_within_the_cluster():
    x = np.array([1.0, 3.0, 2.0, 0.0])
    m = bare([[0.0], [50.0]], [1, 1], forget=0.25).partial_fit(x[:, None])
    w = 0.75 ** np.arange(4, -1, -1)  # the start is the oldest
    np.testing.assert_allclose(m.mean_[0, 0], w @ np.r_[0.0, x] / w.sum())
    np.testing.assert_allclose(m.count_, [w.sum(), 1])


def test_a_window_without_a_label_is_worth_its_part_of_a_window():
    # (1 * 0 + 1/4 * 5) / (5/4) = 1, and nothing at all for 0.
    m = bare([[0.0], [20.0]], [1, 1], unlabelled=0.25).partial_fit([[5.0]])
    assert m.mean_.ravel().tolist() == [1, 20] and m.count_.tolist() == [1.25, 1]
    m = bare([[0.0], [20.0]], [1, 1], unlabelled=0.0, forget=0.5)
    assert m.state() == m.partial_fit([[5.0]]).state()


def test_a_label_that_agrees_moves_the_centre_and_adds_its_mass():
    m = bare([[0.0], [10.0]], [1, 1]).partial_fit([[2.0]], [0])
    np.testing.assert_allclose(m.mean_.ravel(), [1.0, 10.0])
    assert m.mass_.tolist() == [[2, 0], [0, 1]]


def test_labels_are_forgotten_by_labels_alone():
    m = bare([[0.0], [10.0]], [1, 1], forget=0.5).partial_fit([[1.0], [1.0]], [0, 1], labelled=[True, False])
    assert m.mass_.tolist() == [[1.5, 0], [0, 1]]
    assert m.count_.tolist() == [1.75, 1]


def test_a_label_that_contradicts_begins_a_cluster_at_the_window_and_leaves_the_others():
    m = bare([[0.0], [10.0]], [1, 1]).partial_fit([[2.0]], [1])
    assert m.mean_.ravel().tolist() == [0, 10, 2]
    assert m.mass_.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert m.predict([[2.1], [0.9]]).tolist() == [1, 0]


def test_probabilities_are_the_shares_of_labels_in_the_nearest_cluster():
    m = bare([[0.0], [10.0]], [1, 1])
    m.mass_ = np.array([[3.0, 1.0], [0.0, 2.0]])
    assert m.predict_proba([[1.0], [9.0]]).tolist() == [[0.75, 0.25], [0.0, 1.0]]
