"""[51]: a second-order head, and two views of the same images at several magnifications."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medgraft.methods.finetune.finetuned_features import FinetunedFeatures
from medgraft.methods.learner import default_learner
from medgraft.methods.learners.lm_mlp import LMMLPLearner
from medgraft.studies import studies
from medgraft.trial.arms import Workbench, arm, build
from planned import on_both_sides, trials_of


def test_the_methods_head_tells_apart_what_no_linear_head_can(tmp_path, monkeypatch):
    asked = trials_of("koshy2024", tmp_path, monkeypatch)[0]
    bench = Workbench("binary", "image", asked.settings["source"][0], parts=tuple(asked.settings["source"]))
    model = build(arm(asked.method), bench, 0)
    assert isinstance(model, FinetunedFeatures) and isinstance(model.estimator, LMMLPLearner)
    X = np.random.default_rng(0).uniform(-1, 1, (240, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    head, linear = model.estimator.fit(X, y), default_learner().fit(X, y)
    assert (head.predict(X) == y).mean() > 0.9 > 0.8 > (linear.predict(X) == y).mean()


def test_both_views_are_of_the_same_images_and_each_magnification_has_its_own(tmp_path, monkeypatch):
    sides, types, *scales = trials_of("koshy2024", tmp_path, monkeypatch)
    assert sides.cohort.classes == ["benign", "malignant"] and len(types.cohort.classes) == 4
    benign = np.isin(np.array(types.cohort.classes)[types.cohort.y], ["A", "F"])
    assert np.array_equal(sides.cohort.y == 0, benign)
    assert [a.title for a in scales] == ["Benign or malignant at 40x", "Benign or malignant at 400x"]
    assert sum(a.cohort.n for a in scales) == sides.cohort.n
    assert all(a.cohort.table["magnification"].nunique() == 1 for a in scales)


def test_a_patient_is_on_one_side_when_honest_and_on_both_as_published(tmp_path, monkeypatch):
    honest = trials_of("koshy2024", tmp_path, monkeypatch)[0]
    leaking = trials_of("koshy2024", tmp_path, monkeypatch, protocol="as_published")[0]
    patient = honest.cohort.groups
    assert on_both_sides(honest.cohort, patient) == 0 and on_both_sides(leaking.cohort, patient) > 0


def test_type_side_patient_and_magnification_are_read_from_breakhis_names(tmp_path, monkeypatch):
    kinds = {"B_A": "benign", "B_TA": "benign", "M_DC": "malignant", "M_PC": "malignant"}
    for k, name in enumerate(kinds):
        for patient in (1, 2):
            for scale in (40, 100):
                file = tmp_path / "set" / f"SOB_{name}-14-{k}{patient}AB-{scale}-001.png"
                file.parent.mkdir(exist_ok=True)
                Image.new("RGB", (8, 8), (k * 40, patient * 90, scale)).save(file)
    sides, types, *scales = trials_of("koshy2024", tmp_path, monkeypatch, data=[tmp_path / "set"])
    assert types.cohort.classes == ["A", "DC", "PC", "TA"] and len(np.unique(types.cohort.groups)) == 8
    named = {"A": "benign", "TA": "benign", "DC": "malignant", "PC": "malignant"}
    for kind, side in zip(types.cohort.y, sides.cohort.y, strict=True):
        assert named[types.cohort.classes[kind]] == sides.cohort.classes[side]
    assert [a.title[-4:] for a in scales] == [" 40x", "100x"] and scales[0].cohort.n == 8


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps(tmp_path):
    told = studies["koshy2024"].run(tmp_path, generated=True)
    first, *others = told["experiments"]
    assert first["difference"] > 0 and "+lm-mlp" in first["method"]
    assert [e["verdict"] for e in others] == ["helps"] * 3  # types, and both magnifications
