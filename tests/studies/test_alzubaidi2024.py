"""[64]: a stage without labels between ImageNet and the implants, then an SVM."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from medgraft.methods.learners.svm import SVMLearner
from medgraft.sources import Pretrained
from medgraft.studies import studies
from medgraft.studies.kit.found import find
from medgraft.studies.kit.run import Run
from planned import planned


@pytest.mark.slow
def test_the_arm_of_the_study_starts_from_a_network_that_the_unlabelled_images_changed(tmp_path, monkeypatch):
    plan = planned("alzubaidi2024", tmp_path, monkeypatch)[0]
    first, taught = plan.settings["source"][0], plan.settings["source"][-1]
    before, after = first.load().tensors(), taught.load().tensors()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and moved != set(before)
    used = plan.estimator(plan.method)
    assert Pretrained.of(used.source).spec == taught.spec and isinstance(used.estimator, SVMLearner)
    without = plan.estimator(plan.method.replace("ssp_", ""))
    assert Pretrained.of(without.source).spec == first.spec


@pytest.mark.slow
def test_labels_of_the_unlabelled_images_and_the_images_of_the_cohort_do_not_matter(tmp_path, monkeypatch):
    s = studies["alzubaidi2024"]
    found = find(s, [], True, tmp_path / "data", 0)
    few, many = found.made["shoulder_implants"], found.made["chest_xray_pneumonia"]
    turned = many.table.assign(label=many.table["label"].to_numpy()[::-1])
    other = {
        "shoulder_implants": few.select(np.arange(few.n // 2)),
        "chest_xray_pneumonia": replace(many, table=turned),
    }
    networks = []
    for place, made in (("a", found.made), ("b", other)):
        (tmp_path / place).mkdir()
        plan = planned("alzubaidi2024", tmp_path / place, monkeypatch, found=replace(found, made=made))[0]
        networks.append(plan.settings["source"][-1].load().tensors())
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])


def test_without_unlabelled_images_the_stage_stays_inside_the_training_part(tmp_path, monkeypatch):
    s = studies["alzubaidi2024"]
    found = find(s, [], True, tmp_path / "data", 0)
    alone = replace(found, made={"shoulder_implants": found.made["shoulder_implants"]})
    plan = planned("alzubaidi2024", tmp_path, monkeypatch, found=alone)[0]
    assert "pretext=rotation" in plan.method and len(plan.settings["source"]) == 1


def test_makers_are_read_from_the_names_of_files_as_uci_ships_them(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("Cofield_1.jpg", "Cofield_2.jpg", "Depuy_11.jpg", "Tornier_3.jpg", "Zimmer_9.jpg"):
        pixels = rng.integers(0, 255, (32, 32), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    s = studies["alzubaidi2024"]
    run = Run(s, find(s, [tmp_path], False, tmp_path / "out", 0), tmp_path / "out")
    made = run.cohort("shoulder_implants")
    assert made.classes == ["cofield", "depuy", "tornier", "zimmer"]
    assert pd.Series(made.y).value_counts().sort_index().tolist() == [2, 1, 1, 1]
