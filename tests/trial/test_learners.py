"""Learners inside arms, from the command line to the saved model."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.report  # one verb alone would need no name
import medgraft.cli.trial
from medgraft.cli.app import app
from medgraft.graft import save
from medgraft.methods.learners import learners
from medgraft.trial.arms import build
from medgraft.trial.tasks import fit, predict
from samples import image_folder, network_file, two_sites

QUICK = {"cnn1d": ":channels=4,epochs=3", "random-forest": ":trees=10", "mlp": ":iterations=30"}


@pytest.mark.parametrize("name", list(learners))
def test_an_arm_with_a_learner_survives_being_saved(name, tmp_path):
    task = next(t for t in ("binary", "regression", "ordinal") if t in learners[name].tasks)
    frame = two_sites(task="multiclass" if task == "ordinal" else task)
    order = {"task": task, "levels": sorted(frame["ill"].unique())} if task == "ordinal" else {}
    cohort = mg.read(frame, label="ill", domain="site", **order)
    spec = f"coral+{name}{QUICK.get(name, '')}"
    made = mg.Trial(cohort, [spec], target="b", folds=2)
    model = made.build(next(a for a in made.arms if a.name == spec), made.splits[0])
    model.fit(cohort.X, cohort.y, domain=cohort.domains, target="b", groups=cohort.groups)
    save(tmp_path / "graft", model, cohort, {})
    again = mg.load(tmp_path / "graft").model
    np.testing.assert_array_equal(again.predict(cohort.X), model.predict(cohort.X))
    if task != "regression":
        np.testing.assert_array_equal(again.predict_proba(cohort.X), model.predict_proba(cohort.X))


def test_the_command_line_takes_learners_after_a_plus(tmp_path):
    two_sites().to_csv(tmp_path / "two.csv", index=False)
    words = ["trial", str(tmp_path / "two.csv"), "--label", "ill", "--domain", "site", "--target", "b"]
    words += ["--folds", "2", "--jobs", "1", "--arm", "target-only+svm:features=64"]
    words += ["--arm", "coral+rose+random-forest:trees=20"]
    said = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "out")])
    assert said.exit_code == 0, said.output
    assert "target-only+svm" in said.output and "coral+rose+random-forest" in said.output
    cohort = mg.read(tmp_path / "two.csv", label="ill", domain="site")
    assert np.isfinite(mg.load(tmp_path / "out").predict_proba(cohort)).all()
    said = CliRunner().invoke(app, [*words, "--arm", "pooled+ridge", "--out", str(tmp_path / "other")])
    assert said.exit_code == 2 and "ridge does regression" in said.output


@pytest.mark.parametrize("spec", ["linear-probe+svm:features=64", "target-only+prototypes"])
def test_a_learner_reads_a_networks_features(spec, tmp_path):
    train, test = image_folder(tmp_path / "train", 8), image_folder(tmp_path / "test", 3, seed=1)
    network = network_file(tmp_path / "small.safetensors")
    trial = mg.Trial(mg.read(train), [spec], source=mg.Pretrained(str(network)), test=mg.read(test))
    fitted = fit(build(mg.arm(spec), trial.bench, 0), trial.arrays, trial.splits[0])
    save(tmp_path / "g", fitted, trial.design.data, {})
    expected = predict(fitted, trial.arrays, trial.splits[0].test)
    np.testing.assert_array_equal(mg.load(tmp_path / "g").predict_proba(mg.read(test)), expected)
