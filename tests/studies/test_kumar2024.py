"""Study 41: stages in their order, and a network on features that does what a linear probe cannot."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.base import clone

from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.learner import default_learner
from medgraft.studies import studies
from medgraft.studies.kit.found import find
from medgraft.studies.kumar2024 import FOLDERS, STAGES
from planned import planned


def test_the_feed_forward_network_learns_what_the_linear_probe_cannot(tmp_path, monkeypatch):
    (plan,) = planned("kumar2024", tmp_path, monkeypatch)
    model = plan.estimator(plan.method)
    assert type(model) is LinearProbe and plan.method in plan.arms
    F = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    y = (F[:, 0] * F[:, 1] > 0).astype(int)
    right = {
        name: np.mean(learner.fit(F[:200], y[:200]).predict(F[200:]) == y[200:])
        for name, learner in (("study", clone(model.estimator)), ("control", default_learner()))
    }
    assert right["study"] > 0.9 and right["control"] < 0.7


def test_stages_are_in_their_order_and_slices_of_one_patient_apart_only_as_published(tmp_path, monkeypatch):
    for protocol, leaks in (("honest", False), ("as_published", True)):
        place = tmp_path / protocol
        place.mkdir()
        (plan,) = planned("kumar2024", place, monkeypatch, protocol)
        assert plan.cohort.task == "ordinal" and tuple(plan.cohort.classes) == STAGES
        assert (plan.on_both_sides("patient") > 0) == leaks


def test_the_kaggle_folder_is_read_with_near_copies_kept_together(tmp_path, monkeypatch):
    rng, folder = np.random.default_rng(0), tmp_path / "set"
    for part in ("train", "test"):
        for stage in FOLDERS:
            place = folder / part / stage
            place.mkdir(parents=True)
            for k in range(4):
                pixels = np.kron(rng.integers(0, 255, (8, 8)), np.ones((8, 8)))
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{k}.png")
                if k == 0:  # the same slice again, a little brighter
                    Image.fromarray((pixels * 0.97 + 7).astype(np.uint8)).save(place / "again.png")
    found = find(studies["kumar2024"], [folder], False, tmp_path, 0)
    (plan,) = planned("kumar2024", tmp_path, monkeypatch, found=found)
    assert plan.cohort.n == 20 and tuple(plan.cohort.classes) == STAGES  # the training folder
    assert len(np.unique(plan.cohort.groups)) == 16
    assert all("cleaned" in cell for cell in plan.cohort.table[plan.cohort.image])
