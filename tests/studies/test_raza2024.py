"""Study 46: a constricted swarm finds settings, inside the training part unless as published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.tuning.tuned import Tuned
from medgraft.studies import raza2024
from medgraft.studies.kit.found import Found
from planned import planned


class Bowl(ClassifierMixin, BaseEstimator):
    """Is right the more often, the nearer its learning rate is to 10^-4.2 and its share to 0.4."""

    def __init__(self, lr=5e-4, unfreeze=0.5, batch_size=32, task="classification", random_state=0):
        self.lr, self.unfreeze, self.batch_size = lr, unfreeze, batch_size
        self.task, self.random_state = task, random_state

    def fit(self, X, y, **rows):
        self.classes_ = np.unique(y)
        return self

    def loss(self):
        return abs(np.log10(self.lr) + 4.2) / 3 + abs(self.unfreeze - 0.4)

    def predict_proba(self, X):
        number, true = X["number"].to_numpy(), X["true"].to_numpy()
        said = np.where(number / 300 >= self.loss(), true, 1 - true)
        return np.eye(2)[said]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_the_studys_search_is_a_constricted_swarm_that_finds_planted_settings(tmp_path, monkeypatch):
    eyes, _ = planned("raza2024", tmp_path, monkeypatch)
    tuned = eyes.estimator(eyes.method)
    assert type(tuned) is Tuned and type(tuned.estimator) is FineTune
    assert tuned.search == "pso-constriction" and tuned.budget > 12  # the swarm moves at least once
    assert set(tuned.space) == {"lr", "unfreeze", "batch_size"}
    X = pd.DataFrame({"number": np.random.default_rng(0).permutation(300), "true": np.arange(300) % 2})
    tuned.set_params(estimator=Bowl(), budget=72).fit(X, X["true"].to_numpy())
    assert tuned.best_.loss() < 0.1 < Bowl().loss()
    losses = [Bowl(**tried["settings"]).loss() for tried in tuned.report_["tried"]]
    assert np.median(losses[48:]) < 0.5 * np.median(losses[:12])  # it settles; a random search does not


def test_as_published_the_settings_come_from_all_rows_and_patients_are_torn_apart(tmp_path, monkeypatch):
    asked = []

    def chosen(cohort, arm, source, *, base, metric, seed):
        asked.append((cohort, arm))
        return f"{base},lr=0.001"

    monkeypatch.setattr(raza2024, "chosen_before", chosen)
    for protocol, leaks in (("honest", False), ("as_published", True)):
        place = tmp_path / protocol
        place.mkdir()
        plans = planned("raza2024", place, monkeypatch, protocol)
        assert [plan.title for plan in plans] == ["Eye diseases", "Brain tumours"]
        for plan in plans:
            assert (plan.on_both_sides("patient") > 0) == leaks
            assert ("+tuned" not in plan.method) == leaks
    assert [cohort.n for cohort, _ in asked] == [plan.cohort.n for plan in plans]  # all rows
    assert all("pso-constriction" in arm for _, arm in asked)


def test_both_eyes_of_a_person_are_one_patient(tmp_path, monkeypatch, shared_data):
    found = Found("stand-in", "", {"eye_diseases": shared_data("eye_fundus_4class")}, {})
    (plan,) = planned("raza2024", tmp_path, monkeypatch, found=found)
    names = plan.cohort.table[plan.cohort.image].str.extract(r"(\d+)_(?:left|right)")[0]
    pairs = pd.Series(plan.cohort.groups).groupby(names).nunique()
    assert len(pairs) < names.notna().sum() and (pairs == 1).all()


@pytest.mark.slow
def test_the_settings_that_were_chosen_before_are_those_of_the_search(tmp_path, monkeypatch):
    from medgraft.studies.kit.chosen import chosen_before

    _, brains = planned("raza2024", tmp_path, monkeypatch)
    arm = "finetune:epochs=0,lr=log(1e-5,1e-2)+tuned:search=random,budget=3"
    made = chosen_before(
        brains.cohort, arm, brains.settings["source"], base="finetune:epochs=0", metric="balanced_accuracy"
    )
    base, _, found = made.rpartition(",lr=")
    assert base == "finetune:epochs=0"
    assert float(found) == pytest.approx(5e-4)  # without an epoch all are equal, and the default is first
