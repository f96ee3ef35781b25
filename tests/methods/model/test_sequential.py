"""Coefficients handed on from period to period, against the closed form and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.linear_model import Ridge

from medgraft.base import MedgraftError
from medgraft.methods.learner import RidgeLearner
from medgraft.methods.model.l2sp import L2SP, PULLS
from medgraft.methods.model.sequential import FOLDS, Sequential
from medgraft.methods.splits import inner_folds, number_again

PERIODS = ["alpha", "delta", "omicron", "now"]


def drifting(k=0, seed=0, n=60, drift=0.5, last=30):
    """Four periods whose rule walks at random."""
    rng = np.random.default_rng(seed)
    sizes = [n, n, n, last]
    X = rng.normal(size=(sum(sizes), 4))
    rule = rng.normal(size=(4, max(k, 1))) + np.cumsum(drift * rng.normal(size=(4, 4, max(k, 1))), axis=0)
    score = np.concatenate([x @ r for x, r in zip(np.split(X, np.cumsum(sizes)[:-1]), rule, strict=True)])
    if k == 0:
        y = score[:, 0] + 0.5 * rng.normal(size=len(X))
    elif k == 2:
        y = (score[:, 0] + rng.logistic(size=len(X)) > 0).astype(int)
    else:
        y = (score + rng.gumbel(size=score.shape)).argmax(axis=1)
    return X, y, {"domain": np.repeat(PERIODS, sizes), "target": "now"}, rule


ORDER = "alpha|delta|omicron"


def test_values_follow_the_closed_form_of_each_period():
    X, y, rows, _ = drifting()
    m = Sequential(task="regression", order=ORDER).fit(X, y, **rows)
    assert m.periods_ == PERIODS
    assert np.isfinite(m.pulls_).all()
    Z = np.column_stack([m.encoder_.transform(X), np.ones(len(X))])
    first = RidgeLearner().fit(Z[:60, :-1], y[:60])
    b = np.append(first.coef_, first.intercept_)
    for period, pull in zip(PERIODS[1:], m.pulls_, strict=True):
        A, t = Z[rows["domain"] == period], y[rows["domain"] == period]
        b = np.linalg.solve(A.T @ A + pull * np.eye(5), A.T @ t + pull * b)
    np.testing.assert_allclose(np.append(m.learner_.coef_, m.learner_.intercept_), b, rtol=1e-7)


def test_the_pull_foretells_best_patients_that_no_coefficient_knows():
    """In loops, with patients who come again in every period."""
    X, y, rows, _ = drifting(n=40, last=40)
    patient = np.tile(np.arange(40), 4)
    m = Sequential(task="regression", order=ORDER).fit(X, y, **rows, groups=patient)
    Z = np.column_stack([m.encoder_.transform(X), np.ones(len(X))])
    fold = inner_folds(number_again(patient), k=FOLDS, seed=0)
    assert all(len(np.unique(fold[patient == p])) == 1 for p in range(40))

    def first(at):
        line = RidgeLearner().fit(Z[at, :-1], y[at], groups=patient[at])
        check = Ridge(alpha=line.penalty_).fit(Z[at, :-1], y[at])
        return np.append(check.coef_, check.intercept_)

    def pulled(at, b, pull):
        if np.isinf(pull):
            return b
        return np.linalg.solve(Z[at].T @ Z[at] + pull * np.eye(5), Z[at].T @ y[at] + pull * b)

    knows = {f: fold != f for f in range(FOLDS)}
    b = {f: first(knows[f] & (rows["domain"] == "alpha")) for f in knows}
    for period, found in zip(PERIODS[1:], m.pulls_, strict=True):
        here = rows["domain"] == period
        errors = [
            sum(np.sum((y - Z @ pulled(here & knows[f], b[f], pull))[here & ~knows[f]] ** 2) for f in knows)
            for pull in PULLS
        ]
        assert found == PULLS[int(np.argmin(errors))]
        b = {f: pulled(here & knows[f], b[f], found) for f in knows}


@pytest.mark.parametrize("k", [2, 3])
def test_each_period_minimises_the_stated_objective(k):
    X, y, rows, _ = drifting(k, n=80, last=80, drift=1.0)
    m = Sequential(order=ORDER).fit(X, y, **rows)
    assert np.isfinite(m.pulls_).all()
    Z = np.column_stack([m.encoder_.transform(X), np.ones(len(X))])
    for t, pull in enumerate(m.pulls_, start=1):
        at, prior = rows["domain"] == PERIODS[t], m.path_[t - 1]

        def objective(flat, at=at, prior=prior, pull=pull):
            W = flat.reshape(prior.shape)
            eta = Z[at] @ W.T
            eta = np.hstack([np.zeros((at.sum(), 1)), eta]) if k == 2 else eta
            loss = -log_softmax(eta, axis=1)[np.arange(at.sum()), y[at]].sum()
            return loss + pull / 2 * np.sum((W - prior) ** 2)

        best = minimize(objective, prior.ravel(), method="BFGS", options={"gtol": 1e-7}).x
        np.testing.assert_allclose(m.path_[t].ravel(), best, atol=5e-4)
        assert np.abs(m.path_[t] - prior).max() > 0.05
    np.testing.assert_array_equal(m.learner_.coef_, m.path_[-1][:, :-1])


def test_without_an_order_all_sources_are_one_period():
    X, y, rows, _ = drifting()
    m = Sequential(task="regression").fit(X, y, **rows)
    assert m.periods_ == ["", "now"]
    near = L2SP(task="regression").fit(X, y, **rows)  # the same problem but for how the pull is chosen
    np.testing.assert_allclose(m.path_[0, 0, :-1], near.source_coef_, rtol=1e-7)


def test_where_the_rule_drifts_the_chain_ends_nearer_to_an_unlabelled_target_than_other_orders_or_none():
    gain = []
    for seed in range(20):
        X, y, rows, rule = drifting(seed=seed, drift=0.7)
        new = np.random.default_rng(99).normal(size=(500, 4))
        rows["labelled"] = rows["domain"] != "now"
        error = [
            np.mean((m.fit(X, y, **rows).predict(new) - new @ rule[-1][:, 0]) ** 2)
            for m in (
                Sequential(task="regression", order=ORDER),
                Sequential(task="regression", order="omicron|delta|alpha"),
                Sequential(task="regression"),
            )
        ]
        gain.append(np.log(error[1:]) - np.log(error[0]))
    gain = np.array(gain)
    assert (gain.mean(axis=0) > 2 * gain.std(axis=0, ddof=1) / np.sqrt(20)).all()


@pytest.mark.parametrize("k", [0, 2, 3])
def test_neither_order_of_rows_nor_names_of_periods_matter(k):
    X, y, rows, _ = drifting(k)
    task = "classification" if k else "regression"
    a = Sequential(task=task, order=ORDER).fit(X, y, **rows)
    at = np.random.default_rng(0).permutation(len(y))
    name = {"alpha": "4", "delta": "0", "omicron": "z z", "now": "1"}
    domain = np.array([name[d] for d in rows["domain"]])[at]
    b = Sequential(task=task, order=["4", "0", "z z"]).fit(X[at], y[at], domain=domain, target="1")
    np.testing.assert_allclose(a.path_, b.path_, rtol=1e-6, atol=1e-8)


def test_a_period_of_one_patient_leaves_the_coefficients_alone():
    X, y, rows, _ = drifting()
    patient = np.where(rows["domain"] == "delta", "one", np.arange(len(y)).astype(str))
    m = Sequential(task="regression", order=ORDER).fit(X, y, **rows, groups=patient)
    assert m.pulls_[0] == np.inf and np.isfinite(m.pulls_[1])
    np.testing.assert_array_equal(m.path_[1], m.path_[0])


def test_a_target_without_labels_or_with_too_few_keeps_the_last_period_s_model_and_says_so():
    X, y, rows, _ = drifting()
    source = rows["domain"] != "now"
    m = Sequential(task="regression", order=ORDER).fit(X, y, **rows, labelled=source)
    assert m.periods_ == PERIODS[:-1] and "source's model was kept" in m.note_
    one = source | (np.arange(len(y)) == len(y) - 1)
    few = Sequential(task="regression", order=ORDER).fit(X, y, **rows, labelled=one)
    assert "too few" in few.note_
    assert few.periods_ == PERIODS and few.pulls_[-1] == np.inf
    np.testing.assert_array_equal(few.path_[-1], few.path_[-2])


def test_a_class_that_comes_up_late_can_be_learnt():
    X, y, rows, _ = drifting(3, n=80, last=80, drift=0.2)
    early = np.isin(rows["domain"], ["alpha", "delta"])
    keep = ~(early & (y == 2))
    domain = rows["domain"][keep]
    m = Sequential(order=ORDER).fit(X[keep], y[keep], domain=domain, target="now")
    now = domain == "now"
    assert m.predict_proba(X[keep][now])[:, 2].mean() == pytest.approx((y[keep][now] == 2).mean(), abs=0.1)


@pytest.mark.parametrize("order", ["alpha|delta", "alpha|delta|omicron|omicron", "alpha|delta|omicron|now"])
def test_an_order_that_does_not_name_each_source_once_is_refused(order):
    X, y, rows, _ = drifting()
    with pytest.raises(MedgraftError, match="each source once: alpha, delta, omicron"):
        Sequential(task="regression", order=order).fit(X, y, **rows)
    with pytest.raises(MedgraftError, match="leave estimator unset"):
        Sequential(task="regression", estimator=Ridge()).fit(X, y, **rows)
