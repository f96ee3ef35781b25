from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from medgraft.methods.streaming.baselines import Frozen, OfflineLogistic
from medgraft.methods.streaming.kmeans import StreamingKMeans


def test_the_frozen_population_never_moves_even_if_its_model_goes_on(people):
    X, y, groups, new, truth = people
    model = StreamingKMeans().fit(X, y, groups=groups)
    frozen, before = Frozen(model), model.state()
    expected = model.predict_proba(new)
    frozen.partial_fit(new, truth)
    model.partial_fit(new, truth)
    assert frozen.state() == before != model.state() and frozen.state_bytes() == len(before)
    np.testing.assert_array_equal(frozen.predict_proba(new), expected)


def test_the_offline_model_is_a_logistic_regression_on_all_labelled_windows(people):
    X, y, groups, new, truth = people
    projection = StreamingKMeans().fit(X, y, groups=groups).projection_
    late = np.argsort(truth)[::-1]  # the first class of the alphabet comes last
    new, truth, told = new[late], truth[late], np.arange(60) % 2 == 0
    m = OfflineLogistic(projection)
    for t in range(0, 60, 10):  # classes come one after another; predicting between changes nothing
        m.partial_fit(new[t : t + 10], truth[t : t + 10], labelled=told[t : t + 10]).predict(new)
    Z = projection.apply(new)
    expected = LogisticRegression(max_iter=1000).fit(Z[told], truth[told]).predict_proba(Z)
    np.testing.assert_allclose(m.predict_proba(new), expected, atol=1e-6)
    saved = OfflineLogistic.from_state(m.state())
    np.testing.assert_allclose(saved.predict_proba(new), expected, atol=1e-6)


def test_with_labels_of_one_class_the_offline_model_knows_nothing_else(people):
    X, y, groups, new, _ = people
    projection = StreamingKMeans().fit(X, y, groups=groups).projection_
    m = OfflineLogistic(projection).partial_fit(new[:2], ["sit", "sit"])
    assert m.predict_proba(new).tolist() == [[1.0]] * 60
