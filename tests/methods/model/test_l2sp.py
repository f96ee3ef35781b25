from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import Ridge

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.target_only import TargetOnly
from medgraft.methods.model.l2sp import L2SP, PULLS


def data(k=0, n_source=150, n_target=40, seed=0, turn=0.5):
    """Source and target with rules that differ by `turn`."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_source + n_target, 4))
    rule = rng.normal(size=(4, max(k, 1)))
    other = rule + turn * rng.normal(size=rule.shape)
    score = np.r_[X[:n_source] @ rule, X[n_source:] @ other]
    if k == 0:
        y = score[:, 0] + 0.5 * rng.normal(size=len(X))
    elif k == 2:
        y = (score[:, 0] + rng.logistic(size=len(X)) > 0).astype(int)
    else:
        y = (score + rng.gumbel(size=score.shape)).argmax(axis=1)
    return X, y, {"domain": np.repeat(["s", "t"], [n_source, n_target]), "target": "t"}


def test_ridge_is_the_closed_form_with_the_penalty_of_least_left_out_error():
    X, y, rows = data()
    m = L2SP(task="regression").fit(X, y, **rows)
    Z = np.column_stack([m.encoder_.transform(X), np.ones(len(X))])[150:]
    w0, t = np.append(m.source_coef_, m.source_intercept_), y[150:]

    def fit(rows_, lam):
        A = Z[rows_]
        return np.linalg.solve(A.T @ A + lam * np.eye(5), A.T @ t[rows_] + lam * w0)

    errors = [
        sum((t[i] - Z[i] @ (w0 if np.isinf(lam) else fit(np.arange(40) != i, lam))) ** 2 for i in range(40))
        for lam in PULLS
    ]
    assert m.penalty_ == PULLS[int(np.argmin(errors))]
    assert np.isfinite(m.penalty_)
    w = fit(np.arange(40), m.penalty_)
    np.testing.assert_allclose(m.learner_.coef_, w[:-1], rtol=1e-8)
    np.testing.assert_allclose(m.learner_.intercept_, w[-1], rtol=1e-8)


@pytest.mark.parametrize("k", [2, 3])
def test_classification_minimises_the_stated_objective(k):
    X, y, rows = data(k, n_target=120, turn=2.0)
    m = L2SP().fit(X, y, **rows)
    assert np.isfinite(m.penalty_)
    Z = np.column_stack([m.encoder_.transform(X), np.ones(len(X))])[150:]
    W0 = np.column_stack([m.source_coef_, m.source_intercept_])
    t = y[150:]

    def objective(flat):
        W = flat.reshape(W0.shape)
        eta = Z @ W.T
        eta = np.hstack([np.zeros((len(Z), 1)), eta]) if k == 2 else eta
        loss = -log_softmax(eta, axis=1)[np.arange(len(t)), t].sum()
        return loss + m.penalty_ / 2 * np.sum((W - W0) ** 2)

    best = minimize(objective, W0.ravel(), method="BFGS", options={"gtol": 1e-7}).x.reshape(W0.shape)
    found = np.column_stack([m.learner_.coef_, m.learner_.intercept_])
    np.testing.assert_allclose(found, best, atol=2e-4)
    assert objective(found.ravel()) <= objective(best.ravel()) + 1e-8
    assert np.abs(found - W0).max() > 0.05


def test_the_source_coefficients_are_those_of_the_source():
    X, y, rows = data()
    m = L2SP(task="regression").fit(X, y, **rows)
    Z = m.encoder_.transform(X)[:150]
    from medgraft.methods.learner import RidgeLearner

    alone = RidgeLearner().fit(Z, y[:150])
    np.testing.assert_allclose(m.source_coef_, alone.coef_, rtol=1e-9)
    check = Ridge(alpha=alone.penalty_).fit(Z, y[:150])
    np.testing.assert_allclose(m.source_coef_, check.coef_, rtol=1e-7)


def test_a_target_that_agrees_exactly_keeps_the_source_model():
    X, y, rows = data()
    first = L2SP(task="regression").fit(X, y, **rows, labelled=np.arange(190) < 150)
    agreeing = np.r_[y[:150], first.predict(X[150:])]
    m = L2SP(task="regression").fit(X, agreeing, **rows)
    assert m.penalty_ == np.inf
    np.testing.assert_array_equal(m.predict(X), first.predict(X))


@pytest.mark.parametrize("k", [0, 2])
def test_a_target_with_the_opposite_rule_lets_go_of_the_source(k):
    X, y, rows = data(k, n_target=300, turn=0.0)
    y = np.where(rows["domain"] == "t", 1 - y if k else -y, y)
    task = "binary" if k else "regression"
    m = L2SP(task=task).fit(X, y, **rows)
    assert m.penalty_ < 30
    assert np.corrcoef(m.learner_.coef_.ravel(), m.source_coef_.ravel())[0, 1] < -0.9


def test_few_labels_and_a_similar_source_come_closer_to_the_truth_than_either_alone():
    gain = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        w_source = rng.normal(size=20)
        w_target = w_source + 0.15 * rng.normal(size=20)
        X = rng.normal(size=(1030, 20))
        y = np.r_[X[:1000] @ w_source, X[1000:] @ w_target] + 0.5 * rng.normal(size=1030)
        rows = {"domain": np.repeat(["s", "t"], [1000, 30]), "target": "t"}
        new = rng.normal(size=(2000, 20))
        error = [
            np.mean((c(task="regression").fit(X, y, **rows).predict(new) - new @ w_target) ** 2)
            for c in (L2SP, TargetOnly, Pooled)
        ]
        gain.append([error[1] - error[0], error[2] - error[0]])
    gain = np.array(gain)
    assert (gain[:, 0] > 0).sum() >= 8  # than the target alone, and by much
    assert gain[:, 0].mean() > 0.3
    assert gain[:, 1].mean() > 0  # than everyone in one table


@pytest.mark.parametrize("k", [0, 2, 3])
def test_without_target_labels_it_is_the_source_model_and_says_so(k):
    X, y, rows = data(k)
    task = "classification" if k else "regression"
    m = L2SP(task=task).fit(X, y, **rows, labelled=rows["domain"] == "s")
    assert m.penalty_ == np.inf
    assert "source's model was kept" in m.note_
    np.testing.assert_array_equal(m.learner_.coef_, m.source_coef_)


def test_without_a_source_it_is_the_plain_learner_and_says_so():
    X, y, _ = data()
    m = L2SP(task="regression").fit(X, y)
    assert "nothing was transferred" in m.note_
    np.testing.assert_array_equal(m.predict(X), Pooled(task="regression").fit(X, y).predict(X))


def test_a_class_the_source_lacks_can_be_learnt_from_the_target():
    X, y, rows = data(3, n_target=200)
    source = rows["domain"] == "s"
    keep = ~(source & (y == 2))
    m = L2SP().fit(X[keep], y[keep], domain=rows["domain"][keep], target="t")
    assert m.classes_.tolist() == [0, 1, 2]
    share = (y[~source] == 2).mean()
    assert m.predict_proba(X[~source])[:, 2].mean() == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("only", [0, 1])
def test_a_source_of_one_class_starts_from_its_odds(only):
    X, y, rows = data(2)
    y = np.where(rows["domain"] == "s", only, y)
    labelled = rows["domain"] == "s"
    labelled[np.flatnonzero(~labelled & (y != only))[:1]] = True  # one label tells of the other class
    m = L2SP().fit(X, y, **rows, labelled=labelled)
    np.testing.assert_allclose(m.predict_proba(X)[:, only], 150.5 / 151)


def test_an_estimator_of_ones_own_is_refused():
    X, y, rows = data()
    with pytest.raises(MedgraftError, match="leave estimator unset"):
        L2SP(task="regression", estimator=Ridge()).fit(X, y, **rows)
