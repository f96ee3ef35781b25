from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.cli.predict import predict
from medgraft.trial.tasks import Outcome
from samples import image_folder, network_file

ARMS = ["scratch:epochs=1", "linear-probe", "finetune:epochs=1", "majority"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    return image_folder(root / "train", 12), image_folder(root / "test", 5, seed=1)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return network_file(tmp_path_factory.mktemp("weights") / "small.safetensors")


def trial(folders, network, arms=ARMS) -> mg.Trial:
    train, test = map(mg.read, folders)
    return mg.Trial(train, arms, source=mg.Pretrained(str(network)), test=test)


@pytest.fixture(scope="module")
def run(folders, network, tmp_path_factory):
    return trial(folders, network).run(tmp_path_factory.mktemp("run") / "out")


def test_scratch_is_the_control_of_a_trial_with_a_network(run):
    assert run.data["control"] == "scratch:epochs=1"
    assert {c["arm"] for c in run.comparisons} == {"linear-probe", "finetune:epochs=1", "majority"}
    assert run.data["n"] == 10 and run.data["design"]["kind"] == "external test"


def test_the_plan_says_what_loads_freezes_and_at_which_rates(folders, network):
    rows = {a["name"]: a for a in trial(folders, network).plan().arms}
    assert "random" in rows["scratch:epochs=1"]["load"]
    assert "0 left random" in rows["linear-probe"]["load"]
    assert rows["finetune:epochs=1"]["learning_rates"]["head"] > 0
    assert rows["finetune:epochs=1"]["batchnorm"].startswith("frozen")


def test_the_graft_is_the_scored_model_to_the_last_bit(run, folders, tmp_path):
    expected = run.predictions.query("arm == @run.chosen").sort_values("row")[["p_0", "p_1"]].to_numpy()
    np.testing.assert_array_equal(run.graft.predict_proba(mg.read(folders[1])), expected)
    predict(str(run.out), str(folders[1]), tmp_path / "p.csv")
    table = pd.read_csv(tmp_path / "p.csv")
    np.testing.assert_array_equal(table[["p_left", "p_right"]].to_numpy(), expected)
    assert table["file"].tolist()[0] == "left/1-0.jpg"


@pytest.mark.parametrize("arm", ["linear-probe", "finetune:epochs=1", "scratch:epochs=1"])
def test_every_network_arm_makes_a_graft_that_repeats_its_predictions(arm, folders, network, tmp_path):
    from medgraft.graft import save
    from medgraft.trial.arms import build
    from medgraft.trial.tasks import fit
    from medgraft.trial.tasks import predict as predict_rows

    t = trial(folders, network)
    estimator = build(mg.arm(arm), t.bench, 0)
    fitted = fit(estimator, t.arrays, t.splits[0])
    save(tmp_path / "g", fitted, t.design.data, {})
    expected = predict_rows(fitted, t.arrays, t.splits[0].test)
    np.testing.assert_array_equal(mg.load(tmp_path / "g").predict_proba(mg.read(folders[1])), expected)


def test_a_second_run_reads_no_image_for_frozen_features(folders, network, tmp_path, monkeypatch):
    from medgraft.sources import forward

    passes, whole = [], forward.features_of
    monkeypatch.setattr(forward, "features_of", lambda *a, **k: (passes.append(1), whole(*a, **k))[1])
    arms = ["scratch:epochs=0", "linear-probe"]
    first = trial(folders, network, arms).run(tmp_path / "one")
    assert len(passes) == 3  # the probe's training and test images, and scratch's test images
    second = trial(folders, network, arms).run(tmp_path / "two")
    assert len(passes) == 4  # scratch's own network, which no cache can know
    pd.testing.assert_frame_equal(first.predictions, second.predictions)


def test_a_run_cut_between_arms_resumes_to_the_same_figures(run, folders, network, tmp_path, monkeypatch):
    write, count = Outcome.write, [0]

    def dying(self, path):
        count[0] += 1
        if count[0] == 3:
            raise KeyboardInterrupt
        write(self, path)

    monkeypatch.setattr(Outcome, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        trial(folders, network).run(tmp_path / "cut")
    monkeypatch.setattr(Outcome, "write", write)
    resumed = trial(folders, network).run(tmp_path / "cut", resume=True)
    pd.testing.assert_frame_equal(resumed.predictions, run.predictions)
    assert resumed.comparisons == run.comparisons and resumed.chosen == run.chosen


def test_guarded_chooses_among_networks_on_one_inner_split(folders, network, tmp_path):
    arms = ["scratch:epochs=0", "linear-probe", "guarded"]
    result = trial(folders, network, arms).run(tmp_path / "out")
    assert result.data["guard"]["enabled"]
    assert set(result.data["guard"]["choices"]) <= {"scratch:epochs=0", "linear-probe"}
    report = json.loads((tmp_path / "out" / "result.json").read_text())
    assert report["guard"]["reasons"]


def test_no_file_name_of_a_patient_is_in_the_run_folder(run):
    for path in sorted(run.out.rglob("*")):
        if path.is_file():
            assert b"train/left" not in path.read_bytes() and b"0-3.jpg" not in path.read_bytes(), path
