"""JDA against a dense loop after the paper, and what its pseudo-labels may and may not do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh

from medgraft.base import MedgraftError
from medgraft.methods.feature.conditional import class_gaps, pseudo_labels
from medgraft.methods.feature.jda import JDA
from medgraft.methods.feature.kernel_space import gaussian
from medgraft.methods.feature.tca import TCA
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.rows import Rows
from medgraft.methods.table import Table


def data(n=100, seed=0):
    """Three classes; the target's are moved, each by another step."""
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1, 2], n)[: 2 * n]
    X = rng.normal(size=(2 * n, 4))
    X[:, :2] += np.array([[0.0, 3.0], [3.0, 0.0], [-3.0, -1.0]])[y]
    X[n:] += np.array([[0.8, 0, 1.0, 0], [0, 0.8, 1.0, 0], [0.4, 0.4, 1.0, 0]])[y[n:]]
    return X, y, {"domain": np.repeat(["s", "t"], n), "target": "t"}


def dense_kernel(model, Z):
    L = gaussian(model.landmarks_, model.landmarks_, model.width_)
    N = gaussian(Z, model.landmarks_, model.width_)
    return N @ np.linalg.pinv(L, rcond=1e-11, hermitian=True) @ N.T


def naive_jda(K, y, source, labelled, penalty, d, rounds, share=(1.0, 1.0)):
    """The paper's loop with dense n x n matrices M_0 + M_1 + ... ."""
    n = len(K)

    def outer(a, b):
        e = np.zeros(n)
        e[a], e[b] = 1 / a.sum(), -1 / b.sum()
        return np.outer(e, e)

    def components(M):
        H = np.eye(n) - 1 / n
        values, W = eigh(K @ H @ K, K @ M @ K + penalty * np.eye(n), subset_by_index=[n - d, n - 1])
        return np.sqrt(n) * K @ W / np.sqrt(values)

    E = components(outer(source, ~source))
    before = None
    for _ in range(rounds):
        clf = LogisticLearner(penalties=[1.0]).fit(E[labelled], y[labelled])
        label = np.where(labelled, y, clf.predict(E))
        if before is not None and (before == label).all():
            break
        before = label
        M = share[0] * outer(source, ~source)
        M += share[1] * sum(outer(source & (label == c), ~source & (label == c)) for c in np.unique(y))
        E = components(M)
    return E


def test_the_model_is_the_learner_after_the_papers_loop():
    X, y, rows = data()
    labelled = np.arange(200) < 112
    m = JDA(n_components=4, penalty=0.5).fit(X, y, **rows, labelled=labelled)
    K = dense_kernel(m, m.encoder_.transform(X))
    E = naive_jda(K, y, np.arange(200) < 100, labelled, 0.5, 4, 10)
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(E[labelled], y[labelled])
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(E), atol=1e-6)
    assert 1 <= m.rounds_ <= 10


def test_with_true_labels_the_summed_squared_gaps_are_smaller_than_with_tca():
    X, y, rows = data(300)

    def gap(model):
        E = model.fit(X, y, **rows)._encode(X)
        parts = [np.ones(300, bool), *(y[:300] == c for c in range(3))]
        others = [np.ones(300, bool), *(y[300:] == c for c in range(3))]
        pairs = zip(parts, others, strict=True)
        return sum(((E[:300][a].mean(axis=0) - E[300:][b].mean(axis=0)) ** 2).sum() for a, b in pairs)

    assert gap(JDA(n_components=2, penalty=0.01)) < 0.5 * gap(TCA(n_components=2, penalty=0.01))


def test_labelled_target_rows_keep_their_labels_and_unlabelled_source_rows_get_none():
    X, y, rows = data()
    labelled = np.arange(200) % 2 == 0
    seen = Rows.of(Table.of(X), y, regression=False, **rows, labelled=labelled)
    label = pseudo_labels(X, seen)
    np.testing.assert_array_equal(label[labelled], y[labelled])
    assert (label[:100][~labelled[:100]] == -1).all()
    assert (label[100:] >= 0).all()


def test_class_gaps_are_differences_of_class_means():
    X, y, rows = data()
    w = np.random.default_rng(0).uniform(0.5, 2.0, 200)
    seen = Rows.of(Table.of(X), y, regression=False, **rows, sample_weight=w)
    gaps = class_gaps(seen, seen.y).T @ X
    for c in range(3):
        s, t = (y == c) & seen.source, (y == c) & seen.target
        expected = np.average(X[s], axis=0, weights=w[s]) - np.average(X[t], axis=0, weights=w[t])
        np.testing.assert_allclose(gaps[c], expected)
    assert not class_gaps(seen, np.where(seen.source & (y == 1), 0, y))[:, 1].any()


def test_with_every_target_row_labelled_one_round_is_enough():
    X, y, rows = data()
    assert JDA().fit(X, y, **rows).rounds_ == 1


def test_no_round_at_all_is_an_error():
    X, y, rows = data()
    with pytest.raises(MedgraftError, match="max_rounds"):
        JDA(max_rounds=0).fit(X, y, **rows)
