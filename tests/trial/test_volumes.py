"""A trial on volumes, from the command line to the prediction of new ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.generate import nifti
from samples import network_file

ARMS = ["scratch:epochs=1", "linear-probe", "finetune:epochs=1,views=1", "majority"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("mr")
    nifti(root, n_patients=16, size=16, orientations=("RAS", "LPS"))
    return root


def cohort(folder):
    columns = pd.read_csv(folder / "manifest.csv").columns
    label = next(c for c in columns if c in ("diagnosis", "label"))
    return mg.read(folder / "manifest.csv", volume="file", label=label, group="patient", features=[])


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    return str(network_file(tmp_path_factory.mktemp("w") / "small.safetensors"))


@pytest.fixture(scope="module")
def run(folder, flat, tmp_path_factory):
    data = cohort(folder)
    made = mg.Trial(data, ARMS, source=mg.Pretrained(flat, volume="slices=2"), folds=2)
    return made.run(tmp_path_factory.mktemp("run") / "out")


def test_scratch_is_the_control_of_a_trial_on_volumes(run):
    assert run.data["control"] == "scratch:epochs=1" and run.data["cohort"]["kind"] == "volume"
    assert {a["name"] for a in run.arms} == set(ARMS)
    assert run.predictions["row"].nunique() == run.data["n"]


def test_the_graft_predicts_new_volumes_from_the_command_line(run, folder, tmp_path):
    from medgraft.cli.predict import predict

    data = cohort(folder)
    expected = run.graft.predict_proba(data)
    predict(str(run.out), str(folder / "manifest.csv"), tmp_path / "p.csv", volume="file")
    table = pd.read_csv(tmp_path / "p.csv")
    columns = [c for c in table.columns if c.startswith("p_")]
    np.testing.assert_array_equal(table[columns].to_numpy(), expected)
    assert table["file"][0].startswith("images/")
    with pytest.raises(MedgraftError, match="reads volumes, and .* has none: say with --volume"):
        run.graft.predict(data.table[["patient"]].assign(age=50))


def test_a_3_d_network_needs_no_file_for_scratch_and_says_so_for_the_others(folder, tmp_path):
    data = cohort(folder)
    source = mg.Pretrained("medgraft:resnet3d_10", volume="size=16")
    result = mg.Trial(data, ["scratch:epochs=1"], source=source, folds=2).run(tmp_path / "run")
    assert np.isfinite(result.predictions["p_0"]).all()
    with pytest.raises(MedgraftError, match="no weights to download: give a file"):
        mg.Trial(data, ["linear-probe"], source=source, folds=2)


def test_array_methods_learn_from_features_of_volumes_of_several_sites(folder, flat, tmp_path):
    table = pd.read_csv(folder / "manifest.csv")
    table["file"] = [str(folder / f) for f in table["file"]]
    label = next(c for c in table.columns if c in ("diagnosis", "label"))
    table["where"] = np.where(table["patient"].rank(method="dense") <= 8, "north", "south")
    data = mg.read(table, volume="file", label=label, group="patient", domain="where", features=[])
    arms = ["target-only", "coral", "pooled"]
    made = mg.Trial(data, arms, source=flat, target="south", folds=2)
    result = made.run(tmp_path / "run")
    assert [a["name"] for a in result.arms] == ["target-only", "pooled", "coral"]
    assert made.network.volume == mg.sources.VolumeInput()


def test_a_table_of_several_kinds_is_not_taken_for_volumes(folder, flat):
    with pytest.raises(MedgraftError, match="is a table"):
        mg.Trial(mg.read(pd.DataFrame({"a": range(8), "y": ["n", "p"] * 4}), label="y"), source=flat)


def test_networks_are_ranked_on_volumes_by_the_features_that_trials_read(folder, flat):
    from medgraft.methods.finetune.features import BackboneFeatures
    from medgraft.methods.suit_images import rank_networks
    from medgraft.sources.rank import scores

    data = cohort(folder)
    source = mg.Pretrained(flat, volume="slices=2")
    ranked = rank_networks(data.X, data.y, [source], groups=data.groups)
    F = BackboneFeatures(source).transform(data.X).astype(float)
    assert ranked[0].values["logme"] == scores["logme"](F, data.y, "classification")
    assert ranked[0].images == data.n
