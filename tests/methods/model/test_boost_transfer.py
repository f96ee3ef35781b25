"""Boosting from a source's booster: a naive stagewise loop, no rounds, and where the rounds end."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

from medgraft.methods.model.boost_transfer import BoostTransfer
from medgraft.methods.model.booster import Booster, Stages
from medgraft.methods.table import InputError

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 3)).astype(np.float32).astype(float)
W = rng.uniform(0.5, 2.0, 90)
CODE = np.digitize(X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=90), [-0.4, 0.4])
VALUE = np.abs(X[:, 0]) + 0.3 * rng.normal(size=90)


def naive(aim, start, rounds, rate=0.3, depth=2):
    """One leaf at a time; the gradient by finite differences of the loss."""
    k = aim.shape[1]
    F = np.repeat(start[None], len(aim), axis=0)
    r = np.random.default_rng(4)

    def loss(row, i):
        if k == 1:
            return 0.5 * (aim[i, 0] - row[0]) ** 2
        return np.log(np.exp(row).sum()) - row @ aim[i]

    for _ in range(rounds):
        g = np.zeros_like(F)
        for i in range(len(F)):
            for c in range(k):
                e = np.eye(k)[c] * 1e-5
                g[i, c] = -(loss(F[i] + e, i) - loss(F[i] - e, i)) / 2e-5
        tree = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=5, random_state=int(r.integers(2**31)))
        # The same gradient to the last digits, so that the tree breaks ties alike.
        p = np.exp(F) / np.exp(F).sum(axis=1, keepdims=True) if k > 1 else F
        np.testing.assert_allclose(g, aim - p, atol=1e-6)
        tree.fit(X, aim - p, sample_weight=W)
        new = F.copy()
        for node in np.unique(tree.apply(X.astype(np.float32))):
            at = tree.apply(X.astype(np.float32)) == node
            for c in range(k):
                top = np.sum(W[at] * (aim - p)[at, c])
                if k == 1:
                    step = top / W[at].sum()
                else:
                    step = (k - 1) / k * top / np.sum(W[at] * p[at, c] * (1 - p[at, c]))
                new[at, c] += rate * step
        F = new
    return F


@pytest.mark.parametrize("k", [1, 3])
def test_scores_are_those_of_a_naive_stagewise_loop(k):
    aim = np.eye(3)[CODE] if k == 3 else VALUE[:, None]
    start = np.array([0.2, -0.1, 0.5]) if k == 3 else np.array([0.7])
    stages = Stages(X, aim, W, 2, 5, 0.3, 4)
    trees = stages.run(np.repeat(start[None], 90, axis=0), 6)
    ours = Booster(start, None).with_trees(trees).scores(X)
    np.testing.assert_allclose(ours, naive(aim, start, 6), rtol=1e-9, atol=1e-9)


def test_values_are_boosted_as_scikit_learn_does():
    theirs = GradientBoostingRegressor(n_estimators=15, max_depth=2, min_samples_leaf=5, random_state=0).fit(
        X, VALUE
    )
    stages = Stages(X, VALUE[:, None], np.ones(90), 2, 5, 0.1, 0)
    start = np.array([VALUE.mean()])
    ours = Booster(start, None).with_trees(stages.run(np.repeat(start[None], 90, axis=0), 15))
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


def cohort(seed=0, n=200, m=60, k=0):
    r = np.random.default_rng(seed)
    A = r.normal(size=(n + m, 3))
    value = 1.5 * np.abs(A[:, 0]) + 0.2 * r.normal(size=n + m)
    value[n:] += 1.5
    y = value if not k else np.digitize(value, [[1.8], [1.0, 2.2]][k - 2])
    return A, y, np.repeat(["a", "here"], [n, m])


@pytest.mark.parametrize("k", [0, 2, 3])
def test_no_target_rounds_leave_the_sources_booster(k):
    A, y, site = cohort(k=k)
    task = "classification" if k else "regression"
    none = BoostTransfer(task=task, target_rounds=0).fit(A, y, domain=site, target="here")
    assert none.rounds_[0] > 0 and none.rounds_[1] == 0
    Z = none.encoder_.transform(A)
    np.testing.assert_array_equal(none.learner_.scores(Z), none.source_.scores(Z))
    some = BoostTransfer(task=task).fit(A, y, domain=site, target="here")
    assert some.rounds_[1] > 0
    np.testing.assert_array_equal(some.source_.scores(Z), none.source_.scores(Z))
    # The source's trees come first, and the target's are added to them.
    assert len(some.learner_.trees.roots) == sum(some.rounds_)


def test_the_target_is_not_left_when_nothing_is_to_be_gained():
    A, y, site = cohort()
    same = y - np.where(site == "here", 1.5, 0.0)
    source_error, kept = [], []
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(size=len(y)) * np.where(site == "here", 1.0, 0.0)
        m = BoostTransfer(task="regression", random_state=seed).fit(
            A, same + noise, domain=site, target="here"
        )
        kept.append(m.rounds_[1])
        source_error.append(np.mean((m.predict(A) - same)[site == "here"] ** 2))
    assert min(kept) == 0 and max(source_error) < 0.3


def test_target_rounds_lower_the_loss_at_the_target():
    A, y, site = cohort(m=200)
    train = np.arange(400) < 300
    m = BoostTransfer(task="regression").fit(A[train], y[train], domain=site[train], target="here")
    before = np.mean((m.source_.predict(m.encoder_.transform(A[~train])) - y[~train]) ** 2)
    assert np.mean((m.predict(A[~train]) - y[~train]) ** 2) < 0.2 * before


def test_settings_out_of_range_are_refused_and_missing_labels_said():
    A, y, site = cohort()
    m = BoostTransfer(task="regression").fit(A, y, domain=site, target="here", labelled=site == "a")
    assert "label" in m.note_ and m.rounds_[1] == 0
    for setting in ({"rate": 0.0}, {"depth": 0}, {"target_rounds": -1}):
        with pytest.raises(InputError):
            BoostTransfer(task="regression", **setting).fit(A, y)
