from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from medgraft.base import MedgraftError
from medgraft.methods import entries
from medgraft.methods.controls.majority import Majority
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.target_only import TargetOnly
from medgraft.methods.ensemble.soft_voting import SoftVoting
from medgraft.methods.ensemble.stacking import SURE, Stacking
from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.model.l2sp import L2SP
from medgraft.methods.splits import inner_folds, number_again, units_of


def data(n=160, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    score = X @ [1.5, -1.0, 0.0, 0.0] + noise * rng.normal(size=n)
    return X, score, {"groups": np.arange(n) // 2}


def linear(task="classification"):
    learner = RidgeLearner(penalties=[1.0]) if task == "regression" else LogisticLearner(penalties=[1.0])
    return Pooled(task=task, estimator=learner)


def memoriser(task="classification"):
    nearest = KNeighborsRegressor(1) if task == "regression" else KNeighborsClassifier(1)
    return Pooled(task=task, estimator=nearest)


def outside(arm, X, y, groups, k=3, seed=0, stratum=None):
    """Out-of-fold predictions by a plain loop."""
    fold = inner_folds(number_again(units_of(np.empty(0), groups=groups)), k=k, seed=seed, stratum=stratum)
    out = [None] * len(y)
    for f in range(k):
        model = type(arm)(**arm.get_params(deep=False)).fit(X[fold != f], y[fold != f])
        p = model.predict_proba(X[fold == f]) if stratum is not None else model.predict(X[fold == f])
        for i, row in zip(np.flatnonzero(fold == f), p, strict=True):
            out[i] = row
    return np.array(out)


def test_a_member_that_remembers_its_training_rows_is_not_favoured():
    X, score, rows = data(noise=2.0)
    y = (score > 0).astype(int)
    arms = {"memoriser": memoriser(), "linear": linear()}
    weights = Stacking(arms).fit(X, y, **rows).report_["weights"]
    assert weights["linear"] > 4 * abs(weights["memoriser"])
    searched = SoftVoting(arms, weights="search").fit(X, y, **rows).weights_
    assert searched[1] > 0.7
    # The trap is real: on the rows that it learnt from, the memoriser has no loss at all.
    assert (memoriser().fit(X, y).predict(X) == y).all()


def test_the_regression_weights_are_a_ridge_towards_equal_weights_in_closed_form():
    X, y, rows = data()
    arms = {
        "linear": linear("regression"),
        "majority": Majority(task="regression"),
        "near": memoriser("regression"),
    }
    m = Stacking(arms, task="regression").fit(X, y, **rows)
    P = np.column_stack([outside(arm, X, y, rows["groups"]) for arm in arms.values()])
    spread = y.std()
    A = np.column_stack([(P - y.mean()) / spread, np.ones(len(y))])
    rest = (y - P.mean(axis=1)) / spread
    b = np.linalg.solve(A.T @ A + m.penalty_ * np.eye(4), A.T @ rest)
    new = np.column_stack([arm.fit(X, y).predict(X) for arm in arms.values()])
    expected = new.mean(axis=1) + spread * (np.column_stack([(new - y.mean()) / spread, np.ones(len(y))]) @ b)
    np.testing.assert_allclose(m.predict(X), expected, rtol=1e-9)
    np.testing.assert_allclose(list(m.report_["weights"].values()), 1 / 3 + b[:3], atol=1e-4)


def test_the_logistic_weights_are_where_the_penalised_log_loss_has_no_slope():
    X, score, rows = data()
    y = (score > 0).astype(int)
    arms = {"linear": linear(), "near": Pooled(estimator=KNeighborsClassifier(15))}
    m = Stacking(arms).fit(X, y, **rows)
    assert np.isfinite(m.penalty_)
    Z = np.column_stack(
        [
            logit(np.clip(outside(arm, X, y, rows["groups"], stratum=y)[:, 1], SURE, 1 - SURE))
            for arm in arms.values()
        ]
    )
    b, c = m.coef_[0], m.intercept_[0]
    p = expit(Z.mean(axis=1) + Z @ b + c)
    np.testing.assert_allclose(Z.T @ (p - y) + m.penalty_ * b, 0.0, atol=1e-6)
    assert (p - y).sum() + m.penalty_ * c == pytest.approx(0.0, abs=1e-6)


def test_three_classes_are_joined_as_two_are():
    X, score, rows = data(240)
    y = np.digitize(score, [-1.0, 1.0])
    arms = {"linear": linear(), "memoriser": memoriser()}
    m = Stacking(arms).fit(X, y, **rows)
    assert m.coef_.shape == (3, 6)
    assert m.report_["weights"]["linear"] > m.report_["weights"]["memoriser"]
    new, truth, _ = data(600, seed=1)
    told = np.digitize(truth, [-1.0, 1.0])

    def loss(model):
        return -np.log(np.clip(model.predict_proba(new)[np.arange(600), told], SURE, 1)).mean()

    equal = SoftVoting(arms).fit(X, y, **rows)
    assert loss(m) < loss(equal)


class Witness(ClassifierMixin, BaseEstimator):
    """Remembers, outside of itself, whom it learnt from and whom it was asked about."""

    asked: list = []  # noqa: RUF012

    def fit(self, X, y, *, domain=None, target=None, labelled=None, sample_weight=None, groups=None):
        self.taught_ = set(groups)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        Witness.asked.append((self.taught_, set(X[:, 0].astype(int)), set(X[:, 1])))
        return np.full((len(X), 2), 0.5)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize("with_target_labels", [True, False])
def test_a_held_out_patient_taught_no_member_and_only_the_targets_weigh_where_they_have_labels(
    with_target_labels,
):
    n = 90
    rng = np.random.default_rng(0)
    patient = np.arange(n) // 3 % 20  # some are patients of both sites
    site = np.repeat(["s", "t"], [50, 40])
    X = np.column_stack([patient, site == "t", rng.normal(size=n)]).astype(float)
    labelled = (site == "s") | with_target_labels
    Witness.asked.clear()
    m = Stacking({"one": Witness(), "two": Witness()}, inner_folds=4)
    m.fit(X, rng.integers(0, 2, n), domain=site, target="t", labelled=labelled, groups=patient)
    assert len(Witness.asked) == 8
    for taught, asked, sites in Witness.asked:
        assert not taught & asked
        assert sites == {float(with_target_labels)}
    assert set.union(*(asked for _, asked, _ in Witness.asked)) == set(
        patient[site == ("t" if with_target_labels else "s")]
    )


def test_too_few_patients_end_in_equal_weights_and_the_note_says_so():
    X, score, _ = data(120)
    y = (score > 0).astype(int)
    site = np.repeat(["s", "t"], [118, 2])
    y[-2:] = [0, 1]
    arms = {"pooled": linear(), "majority": Majority()}
    m = Stacking(arms).fit(X, y, domain=site, target="t")
    assert m.report_["weights"] == {"pooled": 0.5, "majority": 0.5}
    assert "They are equal: a class has fewer than two labelled patients." in m.note_
    vote = SoftVoting(arms, weights="search").fit(X, y, domain=site, target="t")
    assert vote.weights_.tolist() == [0.5, 0.5] and "equal" in vote.note_
    json.dumps(m.report_)


def test_a_member_that_cannot_be_fitted_is_left_out_and_the_others_go_on():
    X, score, rows = data()
    arms = {"broken": L2SP(estimator=Majority()), "pooled": linear(), "majority": Majority()}
    m = Stacking(arms).fit(X, (score > 0).astype(int), **rows)
    alone = Stacking({k: v for k, v in arms.items() if k != "broken"}).fit(X, (score > 0).astype(int), **rows)
    np.testing.assert_array_equal(m.predict_proba(X), alone.predict_proba(X))
    assert "leave estimator unset" in m.report_["skipped"]["broken"] and "broken was left out" in m.note_
    no_labels = {"domain": np.repeat(["s", "t"], 80), "target": "t", "labelled": np.arange(160) < 80}
    with pytest.raises(MedgraftError, match="needs labelled"):
        Stacking({"t": TargetOnly(), "u": TargetOnly()}).fit(X, (score > 0).astype(int), **no_labels)


def test_members_are_named_by_patterns_and_a_wrong_name_is_an_error():
    X, score, rows = data()
    arms = {"linear": linear(), "majority": Majority(), "linear-2": linear()}
    m = SoftVoting(arms, members="linear*").fit(X, (score > 0).astype(int), **rows)
    assert list(m.members_) == ["linear", "linear-2"]
    with pytest.raises(MedgraftError, match="no member 'linaer'.*linear"):
        SoftVoting(arms, members="linaer").fit(X, (score > 0).astype(int), **rows)


def test_with_nothing_given_the_default_transfer_methods_are_joined():
    X, score, _ = data(120)
    site = np.repeat(["s", "t"], 60)
    m = SoftVoting().fit(X, (score > 0).astype(int), domain=site, target="t")
    assert set(m.members_) == {
        n
        for n, e in entries.items()
        if e.default
        and e.role == "transfer"
        and e.reads_tables
        and e.family != "guard"
        and "binary" in e.tasks
    }
