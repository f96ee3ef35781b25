from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from medgraft.methods.learners.cnn1d import CNN1DLearner, _forward
from medgraft.methods.learners.forest import ForestLearner


def test_the_forest_is_that_of_scikit_learn_on_the_same_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4))
    y = X[:, 0] * X[:, 1]
    m = ForestLearner(task="regression", trees=15).fit(X, y)
    seen = {}

    class Spy(ForestLearner):
        def _fit(self, lesson):
            seen.update(Z=lesson.Z, y=lesson.y)
            super()._fit(lesson)

    Spy(task="regression", trees=15).fit(X, y)
    forest = RandomForestRegressor(15, min_samples_leaf=3, max_features="sqrt", random_state=0)
    forest.fit(seen["Z"], seen["y"], sample_weight=np.ones(80))
    expected = forest.predict((X - X.mean(axis=0)) / X.std(axis=0))
    np.testing.assert_allclose(m.predict(X), y.mean() + y.std() * expected, atol=1e-9)


def test_no_leaf_is_the_value_of_one_patient():
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    m = ForestLearner(task="regression", trees=20).fit(rng.normal(size=(60, 3)), y)
    leaves = m.trees_.value[m.trees_.left < 0, 0] * y.std() + y.mean()
    assert np.abs(leaves[:, None] - y).min() > 1e-9


def test_the_network_is_two_convolutions_a_pool_and_a_linear_layer():
    import torch
    from torch import nn

    m = CNN1DLearner(channels=4, epochs=3)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 9)), np.arange(40) % 3
    m.fit(X, y)
    a, b, head = nn.Conv1d(1, 4, 3, padding=1), nn.Conv1d(4, 8, 3, padding=1), nn.Linear(16, 3)
    for layer, (w, c) in zip((a, b, head), zip(m.tensors_[::2], m.tensors_[1::2], strict=True), strict=True):
        layer.weight.data, layer.bias.data = torch.from_numpy(w), torch.from_numpy(c)
    Z = torch.from_numpy(((X - m.mean_) / m.scale_).astype(np.float32))
    H = torch.relu(b(torch.relu(a(Z[:, None]))))
    p = torch.softmax(head(torch.cat([H.mean(2), H.amax(2)], 1)).double(), dim=1).detach().numpy()
    np.testing.assert_allclose(m.predict_proba(X)[:, m.place_], p, atol=1e-6)
    assert _forward([torch.from_numpy(t) for t in m.tensors_], Z).shape == (40, 3)


def test_a_shape_that_moves_along_the_columns_is_learnt():
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = 0.3 * rng.normal(size=(300, 24))
    for row, up in zip(X, y, strict=True):
        at = rng.integers(0, 20)
        row[at : at + 3] += [2, -2, 2] if up else [-2, 2, -2]
    m = CNN1DLearner(channels=8, epochs=40, lr=0.01).fit(X[:200], y[:200])
    assert np.mean(m.predict(X[200:]) == y[200:]) > 0.9  # a linear learner is at chance here
