from __future__ import annotations

import json

import numpy as np
import pytest

import medgraft as mg
from medgraft.graft import save
from medgraft.trial.arms import build
from medgraft.trial.tasks import fit
from medgraft.trial.tasks import predict as predict_rows
from samples import image_folder, network_file, two_sites

ARMS = ["target-only", "pooled", "coral", "stacking", "soft-voting:weights=search,search=random,budget=30"]


def saved_equals_fitted(trial, name, tmp_path, test):
    a = next(a for a in trial.arms if a.name == name)
    fitted = fit(trial.build(a, trial.splits[0]), trial.arrays, trial.splits[0])
    save(tmp_path / "graft", fitted, trial.design.data, {})
    graft = mg.load(tmp_path / "graft")
    expected = predict_rows(fitted, trial.arrays, trial.splits[0].test)
    got = graft.predict(test) if graft.classes is None else graft.predict_proba(test)
    np.testing.assert_array_equal(got, expected)
    return graft, fitted


def test_ensembles_join_the_other_transfer_arms_and_say_their_weights(tmp_path):
    cohort = mg.read(two_sites(), label="ill", domain="site")
    trial = mg.Trial(cohort, [*ARMS, "guarded"], target="b", labels_per_class=8, folds=2)
    assert [a.name for a in trial.arms][-3:] == [*ARMS[-2:], "guarded"]
    rows = {row["name"]: row["cpu_seconds"] for row in trial.plan().arms}
    assert rows["stacking"] == pytest.approx(4 * (rows["pooled"] + rows["coral"]))
    result = trial.run(tmp_path / "out")
    notes = {a["name"]: a["notes"] for a in result.arms}
    assert len(notes["stacking"]) == 2  # one a fold, with the weights found there
    assert all("pooled" in note and "coral" in note and "stacking" not in note for note in notes["stacking"])
    assert set(result.data["guard"]["choices"]) <= {"target-only", "pooled", *ARMS[2:]}


@pytest.mark.parametrize("name", ["stacking", ARMS[-1]])
def test_a_graft_of_a_table_holds_all_members_and_predicts_the_same_to_the_last_bit(
    name, cohort_of_each_task, tmp_path
):
    test = mg.read(two_sites(seed=5, n=(0, 40), task=cohort_of_each_task.task), label="ill", domain="site")
    trial = mg.Trial(cohort_of_each_task, ARMS, target="b", test=test)
    graft, fitted = saved_equals_fitted(trial, name, tmp_path, test)
    assert list(graft.model.members_) == list(fitted.members_) == ["pooled", "coral"]
    assert {p.suffix for p in graft.path.iterdir()} == {".json", ".skops"}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    network = mg.Pretrained(str(network_file(root / "small.safetensors")))
    return mg.read(image_folder(root / "train", 12)), mg.read(image_folder(root / "test", 5, seed=1)), network


def test_a_graft_of_images_holds_networks_learners_and_one_copy_of_a_shared_backbone(images, tmp_path):
    train, test, network = images
    name = "stacking:members=linear-probe|finetune:epochs=1|target-only|target-only+rose"
    name = name.replace("members=", 'members="') + '"'
    trial = mg.Trial(train, ["scratch:epochs=0", "linear-probe", name], source=network, test=test)
    assert {row["name"]: row for row in trial.plan().arms}[name]["cpu_seconds"] > 0
    graft, fitted = saved_equals_fitted(trial, name, tmp_path, test)
    assert len(graft.model.members_) == 4 and fitted.inner_folds == 1
    files = [part["file"] for part in json.loads((graft.path / "graft.json").read_text())["parts"]]
    assert len(files) == 7 and len(set(files)) == 6  # both methods for arrays read the same features
    assert not {p.suffix for p in graft.path.iterdir()} - {".json", ".skops", ".safetensors"}


def test_members_that_need_no_training_of_a_network_are_held_out_in_three_folds(images):
    train, test, network = images
    arms = ["scratch:epochs=0", "linear-probe", "target-only", "stacking"]
    trial = mg.Trial(train, arms, source=network, test=test)
    assert trial.build(trial.arms[-1], trial.splits[0]).inner_folds == 3
    for control, folds in ((arms[0], 1), ("target-only", 3)):
        guard = build(mg.arm("guarded"), trial.bench, 0, (mg.arm("linear-probe"),), mg.arm(control))
        assert guard.inner_folds == folds


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        (["target-only", "stacking"], "has no other arm to join"),
        (["pooled", "stacking:members=pooled|corral"], "corral"),
        (["pooled", "soft-voting", "stacking:members=soft-voting"], "cannot join 'soft-voting'"),
        (["pooled", "stacking:members=finetune"], "needs images"),
        (["pooled", "stacking+rose"], "joins the other arms"),
    ],
)
def test_an_ensemble_that_cannot_be_is_refused_in_a_sentence(arms, said, cohort, tmp_path):
    with pytest.raises(mg.MedgraftError, match=said):
        mg.Trial(cohort, arms, target="b", labels_per_class=8, folds=2).plan()


def test_a_pattern_stands_for_no_ensemble_and_names_reach_controls_and_methods_outside_the_trial(cohort):
    trial = mg.Trial(cohort, ["*o*"], target="b", labels_per_class=8)
    assert not {"soft-voting", "stacking"} & {a.name for a in trial.arms}
    arms = ["pooled", "stacking:members=target-only|pool*|l2sp"]
    trial = mg.Trial(cohort, arms, target="b", labels_per_class=8)
    assert list(trial.build(trial.arms[-1], trial.splits[0]).candidates) == ["target-only", "pooled", "l2sp"]


def test_an_unfitted_arm_of_an_ensemble_takes_the_trials_seed(cohort):
    trial = mg.Trial(cohort, ["pooled", "coral", "stacking"], target="b", labels_per_class=8)
    seeds = {build(a, trial.bench, 7, trial._candidates(a)).random_state for a in trial.arms}
    assert seeds == {7}
