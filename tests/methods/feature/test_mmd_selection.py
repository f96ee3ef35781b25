"""MMD selection: shifts against closed forms and a naive double loop, and what held-out patients decide."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.mmd_selection import MMDSelection, largest_within_error, shifts
from medgraft.methods.learner import LogisticLearner, RidgeLearner


def mean_distance(x, y, v, w):
    return sum(a * b * abs(p - q) for p, a in zip(x, v, strict=True) for q, b in zip(y, w, strict=True))


def test_a_shift_is_the_scaled_discrepancy_of_the_distance_kernel():
    rng = np.random.default_rng(0)
    x = rng.normal(size=25).round(1)  # with ties
    source = np.arange(25) < 15
    w = rng.uniform(0.5, 2.0, 25)
    s, t = w[source] / w[source].sum(), w[~source] / w[~source].sum()
    xs, xt = x[source], x[~source]
    between = mean_distance(xs, xt, s, t)
    mmd2 = 2 * between - mean_distance(xs, xs, s, s) - mean_distance(xt, xt, t, t)
    assert shifts(x[:, None], w * source, w * ~source)[0] == pytest.approx(mmd2 / (2 * between), rel=1e-10)


def test_two_gaussians_have_the_shift_of_the_closed_form():
    rng = np.random.default_rng(0)
    delta, n = 0.8, 200_000
    x = np.r_[rng.normal(size=n), rng.normal(delta, 1.0, n)]
    between = 2 / math.sqrt(math.pi) * math.exp(-(delta**2) / 4) + delta * math.erf(delta / 2)
    truth = 1 - 2 / math.sqrt(math.pi) / between
    first = np.repeat([1.0, 0.0], n)
    assert shifts(x[:, None], first, 1 - first)[0] == pytest.approx(truth, rel=0.02)


def test_a_shift_knows_no_units_and_words_have_the_shift_of_their_shares():
    rng = np.random.default_rng(0)
    x, first = rng.normal(size=(40, 1)), np.repeat([1.0, 0.0], [25, 15])
    np.testing.assert_allclose(
        shifts(1000 * x - 3, first, 1 - first), shifts(x, first, 1 - first), rtol=1e-10
    )
    x = np.r_[np.repeat([0.0, 1.0], [20, 5]), np.repeat([0.0, 1.0], [5, 10])][:, None]
    p, q = 5 / 25, 10 / 15
    expected = (p - q) ** 2 / (p + q - 2 * p * q)
    np.testing.assert_allclose(shifts(x, first, 1 - first), expected)
    assert shifts(np.ones((40, 1)), first, 1 - first)[0] == 0.0


def data(seed=0, n=300, labels=60):
    """Feature 1 tells the class at the source and is another, moved thing in the target."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 2 * n)
    X = rng.normal(size=(2 * n, 4))
    X[:, 0] += 1.5 * y
    X[:n, 1] += 3.0 * y[:n]
    X[n:, 1] += 6.0
    domain = np.repeat(["s", "t"], n)
    return X, y, {"domain": domain, "target": "t", "labelled": np.arange(2 * n) < n + labels}


def test_a_feature_that_is_another_thing_in_the_target_is_left_out():
    X, y, rows = data()
    m = MMDSelection().fit(X, y, **rows)
    assert int(np.argmax(m.shift_)) == 1
    assert 1 not in m.kept_
    assert 0 in m.kept_
    few = Pooled(estimator=LogisticLearner(penalties=[m.learner_.penalty_])).fit(X[:, m.kept_], y, **rows)
    np.testing.assert_allclose(m.predict_proba(X), few.predict_proba(X[:, m.kept_]), rtol=1e-6)


def test_where_the_domains_are_alike_every_feature_stays():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 5))
    y = X @ np.ones(5) + rng.normal(size=400)
    rows = {"domain": np.repeat(["s", "t"], 200), "target": "t"}
    m = MMDSelection(task="regression").fit(X, y, **rows)
    assert m.kept_.tolist() == [0, 1, 2, 3, 4]
    plain = Pooled(task="regression").fit(X, y, **rows)
    np.testing.assert_allclose(m.predict(X), plain.predict(X), rtol=1e-9)


def test_a_moved_feature_that_still_helps_stays():
    X, y, rows = data()
    X[300:, 1] += 3.0 * y[300:]
    X[:, 1] = np.where(rows["domain"] == "t", X[:, 1] - 4.0, X[:, 1])  # moved by 2, with the source's rule
    assert 1 in MMDSelection().fit(X, y, **rows).kept_


def test_losses_are_those_of_patients_held_out_one_fold_at_a_time():
    X, _, rows = data(labels=5)
    value = X[:, 0] + X[:, 2]
    m = MMDSelection(task="regression", estimator=RidgeLearner(penalties=[1.0])).fit(X, value, **rows)
    Z = m.encoder_.transform(X)
    order = np.argsort(m.shift_)
    own, source = np.arange(300, 305), np.arange(300)
    for size, loss in m.losses_.items():  # five patients in five folds: each is left out alone
        kept = np.sort(order[:size])
        naive = 0.0
        for i in own:
            train = np.r_[source, own[own != i]]
            fitted = RidgeLearner(penalties=[1.0]).fit(Z[train][:, kept], value[train])
            naive += (fitted.predict(Z[[i]][:, kept])[0] - value[i]) ** 2
        assert loss == pytest.approx(naive, rel=1e-8)


def test_of_equally_good_numbers_of_features_the_largest_is_taken():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(3, 50))
    assert largest_within_error(1.0 + 0.1 * noise) == 0
    assert largest_within_error(np.array([[2.0], [1.0], [0.5]]) + 0.1 * noise) == 2


@pytest.mark.parametrize(("labels", "word"), [(0, "pooled"), (1, "too few")])
def test_with_too_few_target_labels_all_features_are_used_and_it_says_so(labels, word):
    X, y, rows = data(labels=labels)
    m = MMDSelection().fit(X, y, **rows)
    assert word in m.note_
    plain = Pooled().fit(X, y, **rows)
    np.testing.assert_allclose(m.predict_proba(X), plain.predict_proba(X), rtol=1e-6)
