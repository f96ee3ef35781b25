from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.estimator_checks import check_estimator

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.evidence.metrics import metrics
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.splits import inner_folds
from medgraft.methods.tuning.tuned import Tuned
from medgraft.trial.tasks import fit, run_task
from samples import two_sites


class Shift(RegressorMixin, BaseEstimator):
    """Predicts the training mean plus `shift`, less 3 for the wrong word: a known best of settings."""

    fitted: list = []  # noqa: RUF012

    def __init__(self, shift=0.0, word="bad", steps=4):
        self.shift = shift
        self.word = word
        self.steps = steps

    def fit(self, X, y, *, domain=None, target=None, labelled=None, sample_weight=None, groups=None):
        Shift.fitted.append((len(y), None if groups is None else set(groups)))
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        far = (self.shift - 1.7) ** 2 + (self.steps - 6) ** 2 / 9 + 3.0 * (self.word != "good")
        return np.full(len(X), self.mean_ + far)


def rows(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    return X, X[:, 0] * 0.0 + 5.0, {"groups": np.arange(n) // 2}


SPACE = {"shift": "float(-5,5)", "word": "choice(bad,good)", "steps": "int(1,9)"}


@pytest.mark.parametrize("search", ["pso", "firefly", "slime-mould", "random"])
def test_the_best_of_a_known_bowl_is_found(search):
    X, y, more = rows()
    m = Tuned(Shift(), SPACE, search=search, budget=150, metric="rmse", task="regression").fit(X, y, **more)
    assert m.settings_["word"] == "good"
    assert abs(m.settings_["shift"] - 1.7) < 0.75 and abs(m.settings_["steps"] - 6) <= 2
    tried = m.report_["tried"]
    assert tried[0]["settings"] == {"shift": 0.0, "word": "bad", "steps": 4}  # the defaults come first
    assert m.report_["value"] == min(row["value"] for row in tried)
    assert m.best_.get_params() == m.settings_
    json.dumps(m.report_)


def test_the_same_seed_makes_the_same_choice_and_another_seed_another_search():
    X, y, more = rows()
    a, b, c = (
        Tuned(Shift(), SPACE, budget=15, metric="rmse", task="regression", random_state=s).fit(X, y, **more)
        for s in (1, 1, 2)
    )
    assert a.report_ == b.report_
    assert a.report_["tried"] != c.report_["tried"]


def test_the_budget_counts_settings_and_no_setting_is_fitted_twice():
    X, y, more = rows()
    Shift.fitted.clear()
    m = Tuned(Shift(), {"word": "choice(bad,good)"}, budget=30, metric="rmse", task="regression")
    m.fit(X, y, **more)
    assert len(m.report_["tried"]) == 2
    assert len(Shift.fitted) == 2 * 3 + 1
    m = Tuned(Shift(), SPACE, budget=7, metric="rmse", task="regression").fit(X, y, **more)
    assert len(m.report_["tried"]) == 7 and m.fits == 22


def test_the_seconds_end_the_search_after_at_least_one_setting(monkeypatch):
    X, y, more = rows()
    clock = iter(np.arange(0.0, 1e3, 1.0))
    monkeypatch.setattr("medgraft.methods.tuning.tuned.clock.perf_counter", lambda: next(clock))
    m = Tuned(Shift(), SPACE, budget=50, seconds=2.5, metric="rmse", task="regression").fit(X, y, **more)
    assert len(m.report_["tried"]) == 3
    clock = iter(np.arange(0.0, 1e3, 1.0))
    m = Tuned(Shift(), SPACE, budget=50, seconds=0, metric="rmse", task="regression").fit(X, y, **more)
    assert len(m.report_["tried"]) == 1


def test_the_value_of_a_setting_is_that_of_a_plain_loop_over_inner_splits():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = (X[:, 0] + rng.normal(size=80) > 0).astype(int)
    arm = Pooled(estimator=LogisticLearner(penalties=[1.0]))
    m = Tuned(arm, {"estimator__folds": "choice(5)"}, budget=1, metric="log_loss", inner_folds=4)
    m.fit(X, y, groups=np.arange(80))
    fold = inner_folds(np.arange(80), k=4, seed=0, stratum=y)
    losses = np.empty(80)
    for f in range(4):
        p = arm.fit(X[fold != f], y[fold != f], groups=np.flatnonzero(fold != f)).predict_proba(X[fold == f])
        losses[fold == f] = -np.log(p[np.arange(len(p)), y[fold == f]])
    assert m.report_["value"] == pytest.approx(losses.mean(), rel=1e-9)


def test_patients_are_whole_and_only_the_targets_are_held_out():
    n = 60
    site = np.repeat(["s", "t"], 30)
    X, y = np.random.default_rng(0).normal(size=(n, 2)), np.full(n, 5.0)
    patient = np.arange(n) // 3
    Shift.fitted.clear()
    Tuned(Shift(), SPACE, budget=1, metric="rmse", task="regression").fit(
        X, y, domain=site, target="t", groups=patient
    )
    *inner, whole = Shift.fitted
    assert whole == (60, set(range(20)))
    assert len(inner) == 3
    for size, taught in inner:
        assert set(range(10)) < taught and size == 3 * len(taught)


def test_too_few_patients_leave_the_defaults_and_say_so():
    X, y, _ = rows(4)
    m = Tuned(Shift(), SPACE, task="regression").fit(X, y, groups=np.zeros(4))
    assert m.settings_["shift"] == 0.0 and m.report_["tried"] == []
    assert m.note_ == "Nothing was searched: one labelled patient is too few to compare by."


class Fussy(ClassifierMixin, BaseEstimator):
    """Cannot be fitted with large settings."""

    def __init__(self, size=1.0):
        self.size = size

    def fit(self, X, y, **more):
        if self.size > 2:
            raise MedgraftError("The size is too large: use 2 or less.")
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        p = np.clip(0.5 + 0.1 * self.size * X[:, 0], 0.01, 0.99)
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_settings_that_cannot_be_fitted_are_passed_over_and_if_none_can_it_is_said_why():
    X = np.random.default_rng(0).normal(size=(60, 1))
    y = (X[:, 0] > 0).astype(int)
    m = Tuned(Fussy(), {"size": "float(0.5,20)"}, budget=40, metric="log_loss").fit(X, y)
    assert m.settings_["size"] <= 2
    assert any(row["value"] is None for row in m.report_["tried"])
    with pytest.raises(MedgraftError, match="too large"):
        Tuned(Fussy(), {"size": "float(3,20)"}, budget=4).fit(X, y)
    with pytest.raises(MedgraftError, match="no setting 'sise'"):
        Tuned(Fussy(), {"sise": "float(3,20)"}).fit(X, y)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_scikit_learn_accepts_the_search(task):
    arm = Pooled(task=task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Tuned(arm, {"random_state": "int(0,3)"}, budget=2, search="random", inner_folds=1, task=task)
        results = check_estimator(made, on_fail=None)
    assert [r["check_name"] for r in results if r["status"] == "failed"] == []
    assert len(results) > 40


# In a trial.


def frame(n=150, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(n, 12)), columns=[f"x{i}" for i in range(12)])
    table["site"] = np.where(np.arange(n) < 30, "a", "b")
    table["ill"] = np.where(rng.random(n) < 0.5, "yes", "no")
    return table


ARM = "pooled+random-forest:trees=5,leaf=int(1,20)+tuned:search=random,budget=6"


def test_an_arm_with_ranges_is_searched_in_every_fold_and_the_notes_tell_what_was_chosen(tmp_path):
    cohort = mg.read(two_sites(), label="ill", domain="site")
    arm = (
        "ulsif:n_centres=int(10,90)+svm:features=32,C=log(0.1,100)+tuned:search=random,budget=2,inner_folds=2"
    )
    trial = mg.Trial(cohort, ["target-only", "pooled", arm], target="b", labels_per_class=10, folds=2)
    made = trial.build(trial.arms[-1], trial.splits[0])
    assert made.space == {"estimator__C": "log(0.1,100)", "n_centres": "int(10,90)"}
    assert made.random_state == made.estimator.random_state != 0
    result = trial.run(tmp_path / "out")
    notes = next(a["notes"] for a in result.arms if a["name"] == arm)
    assert len(notes) == 2 and all("Tuned to C " in n and "n_centres " in n and "auroc" in n for n in notes)
    row = next(r for r in trial.plan().arms if r["name"] == arm)
    assert row["settings"] == {"n_centres": "int(10,90)"} and row["cpu_seconds"] > 0


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("ulsif:n_centres=int(10,90)", r"add \+tuned"),
        ("ulsif+tuned", "nothing to tune"),
        ("ulsif:n_centres=choice(10,much)+tuned", "takes a number, not 'much'"),
        ("ulsif:n_centres=logint(0,10)+tuned", "starts above 0"),
        ("ulsif:n_centers=int(1,10)+tuned", "no setting 'n_centers'"),
        ("ulsif:n_centres=int(1,10)+tuned:space=3", "range as the setting's value"),
        ("ulsif:n_centres=int(1,10)+tuned+tuned", "both tune"),
        ("guarded:margin=float(0,1)+tuned", "chooses among the other arms"),
    ],
)
def test_a_search_that_cannot_be_is_refused_in_a_sentence(spec, said, tmp_path):
    cohort = mg.read(two_sites(), label="ill", domain="site")
    with pytest.raises(MedgraftError, match=said):
        mg.Trial(cohort, ["pooled", spec], target="b", labels_per_class=8, folds=2).plan()


def test_test_rows_are_in_no_fit_and_no_prediction_of_the_search():
    table = frame()
    seen = []

    class Spy(Pooled):
        def fit(self, X, y, **more):
            seen.append(set(X.index))
            return super().fit(X, y, **more)

        def predict_proba(self, X):
            seen.append(set(X.index))
            return super().predict_proba(X)

    trial = mg.Trial(mg.read(table, label="ill", domain="site"), ["pooled"], target="b", folds=3)
    split = trial.splits[0]
    made = Tuned(Spy(estimator=LogisticLearner(penalties=[1.0])), {"random_state": "int(0,9)"}, budget=3)
    fit(made, trial.arrays, split)
    assert len(seen) > 12
    assert not set.union(*seen) & set(split.test.tolist())


def test_on_pure_noise_a_search_inside_the_folds_stays_at_chance():
    scored = []
    for seed in range(4):
        cohort = mg.read(frame(seed=seed), label="ill", domain="site")
        trial = mg.Trial(cohort, ["pooled", ARM], target="b", folds=2, seed=seed)
        for split in trial.splits:
            outcome, fitted = run_task(trial.build(trial.arms[-1], split), trial.arrays, split, 1)
            value = metrics["auroc"].value(trial.arrays.y[outcome.rows], outcome.p)
            scored.append((value, fitted.report_["value"]))
    outer, inner = np.mean(scored, axis=0)
    assert abs(outer - 0.5) < 0.08  # 480 rows: three standard errors
    assert inner > outer  # the figure of the search itself is too good


class Blurred(ClassifierMixin, BaseEstimator):
    """Right for 6 of 10 rows of each patient, or wrong for all rows of every fourth patient."""

    def __init__(self, sharp=0):
        self.sharp = sharp

    def fit(self, X, y, *, domain=None, target=None, labelled=None, sample_weight=None, groups=None):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        truth, patient, row = X.T.astype(int)
        right = patient // 2 % 4 > 0 if self.sharp else row < 6
        p = np.where(right, truth, 1 - truth) * 0.8 + 0.1
        return np.column_stack([1 - p, p])


def test_settings_are_judged_by_patients_where_the_trial_is():
    patient, row = np.divmod(np.arange(400), 10)
    y = patient % 2
    X = np.column_stack([y, patient, row])
    chosen = {}
    for how in (None, "mean"):
        search = {"search": "random", "budget": 6, "metric": "accuracy", "aggregate": how}
        model = Tuned(Blurred(), {"sharp": "choice(0,1)"}, **search).fit(X, y, groups=patient)
        chosen[how] = (int(model.settings_["sharp"]), round(model.report_["value"], 6))
    assert chosen == {None: (1, 0.75), "mean": (0, 1.0)}
