"""The stack of study 37: weighed on slices that no member learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from medgraft.methods.ensemble.stacking import Stacking
from medgraft.methods.finetune.finetune import FineTune
from medgraft.studies.natha2024 import TUMOURS
from planned import planned
from small_slices import FIRST, write_slice


class Parrot(ClassifierMixin, BaseEstimator):
    """Knows the rows that it was taught by heart, and guesses all others."""

    def __init__(self, task="classification", random_state=0):
        self.task, self.random_state = task, random_state

    def fit(self, X, y, **rows):
        known = np.ones(len(y), bool) if rows.get("labelled") is None else rows["labelled"]
        self.classes_ = np.unique(np.asarray(y)[known])
        self.known_ = dict(zip(np.asarray(X["image"])[known], np.asarray(y)[known], strict=True))
        return self

    def predict_proba(self, X):
        P = np.full((len(X), len(self.classes_)), 0.02)
        for i, image in enumerate(X["image"]):
            guess = self.classes_[sum(image.encode()) % len(self.classes_)]
            P[i, self.classes_ == self.known_.get(image, guess)] = 0.96
        return P

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Sound(Parrot):
    """Is right four times of five, whoever taught it: the class stands in the image's name."""

    def predict_proba(self, X):
        P = np.full((len(X), len(self.classes_)), 0.1)
        for i, image in enumerate(X["image"]):
            number, true = image.split("-")
            told = int(true) if int(number) % 5 else (int(true) + 1) % len(self.classes_)
            P[i, told] = 0.8
        return P


def test_the_method_stacks_two_fine_tuned_networks_and_tumours_alone_are_told_apart(tmp_path, monkeypatch):
    (plan,) = planned("natha2024", tmp_path, monkeypatch)
    stack = plan.estimator(plan.method)
    assert isinstance(stack, Stacking) and stack.inner_folds > 1
    candidates = stack.candidates.values()
    assert all(type(member) is FineTune for member in candidates)
    assert len({member.source.fingerprint() for member in candidates}) == 2
    assert tuple(plan.cohort.classes) == TUMOURS and plan.cohort.n == 72  # 12 of 48 patients have none


def test_a_member_that_learns_slices_by_heart_gets_no_weight_in_the_studys_stack(tmp_path, monkeypatch):
    (plan,) = planned("natha2024", tmp_path, monkeypatch)
    stack = plan.estimator(plan.method)
    stack.set_params(candidates={"parrot": Parrot(), "sound": Sound()}, members="")
    y = np.arange(150) % 3
    images = pd.DataFrame({"image": [f"{i // 3}-{k}" for i, k in enumerate(y)]})
    weights = stack.fit(images, y).report_["weights"]
    assert weights["sound"] > 0.3 > weights["parrot"]


def test_slices_of_one_patient_are_apart_only_as_published(tmp_path, monkeypatch):
    for protocol, leaks in (("honest", False), ("as_published", True)):
        place = tmp_path / protocol
        place.mkdir()
        (plan,) = planned("natha2024", place, monkeypatch, protocol)
        assert (plan.on_both_sides("patient") > 0) == leaks


def test_chengs_slices_keep_patients_whole_when_honest_and_are_dealt_to_both_sides_as_published(
    tmp_path, monkeypatch
):
    pytest.importorskip("h5py", reason="h5py reads MATLAB files of version 7.3")
    for number in (*FIRST, *range(2, 34)):  # nine patients of four slices, three with each tumour
        patient = number % 9 if number < 34 else FIRST.index(number)
        write_slice(tmp_path / "cheng" / f"{number}.mat", 1 + patient % 3, f"p{patient}", seed=number)
    apart = {}
    for protocol in ("honest", "as_published"):
        place = tmp_path / protocol
        place.mkdir()
        (plan,) = planned("natha2024", place, monkeypatch, protocol, data=[tmp_path / "cheng"])
        assert plan.cohort.name == "brain_tumour_cheng" and plan.cohort.n == 36
        assert tuple(plan.cohort.classes) == TUMOURS
        apart[protocol] = plan.on_both_sides("patient")
        if protocol == "honest":
            owner = dict(zip(plan.cohort.table["patient"], plan.cohort.groups, strict=True))
            assert plan.cohort.group == "patient" and len(set(owner.values())) == 9
    assert apart["honest"] == 0 < apart["as_published"]
