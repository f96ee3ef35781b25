"""Trials on patients with several kinds of data, of which some lack some."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.predict
import medgraft.cli.trial
from medgraft.cli.app import app
from medgraft.cohort import generate
from medgraft.graft import save
from medgraft.sources.arrays import SequenceReading, SignalReading
from medgraft.trial.alike import read_alike, reading_of, views_of
from medgraft.trial.tasks import fit, predict
from samples import network_file

LATE = 'stacking:members="fusion:parts=image|fusion:parts=clinical"'
ARMS = ["majority", "fusion", "cascade:inner_folds=3", LATE]
FEATURES = ["marker", "noise_value"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("several")
    generate.several(root, 30, absent=0.2, size=24, length=30, seed=2)
    table = pd.read_csv(root / "manifest.csv")
    table[["image", "sequence", "label", "patient", *FEATURES]].to_csv(root / "all.csv", index=False)
    return root


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return str(network_file(tmp_path_factory.mktemp("net") / "small.safetensors"))


def cohort(folder, rows=slice(None), **roles):
    frame = pd.read_csv(folder / "all.csv").iloc[rows]
    frame["image"] = [None if pd.isna(name) else str(folder / name) for name in frame["image"]]
    roles = {"image": "image", "sequence": "sequence", "features": FEATURES} | roles
    return mg.read(frame, label="label", group="patient", **roles)


@pytest.fixture(scope="module")
def trial(folder, network):
    return mg.Trial(cohort(folder), ARMS, source=[network, "medgraft:sequence_cnn"], folds=2)


@pytest.fixture(scope="module")
def run(trial, tmp_path_factory):
    return trial.run(tmp_path_factory.mktemp("run") / "out")


def test_each_arm_says_what_it_read_and_the_control_needs_no_file(run):
    said = {a["name"]: a["source"] for a in run.arms}
    everything = "mobilenetv2_035, sequence-views, clinical"  # of a network without weights there is nothing
    assert said["fusion"] == everything
    assert said["cascade:inner_folds=3"] == "mobilenetv2_035, clinical"
    assert {c["control"] for c in run.data["comparisons"]} == {"majority"}


def test_late_fusion_weighs_an_arm_that_reads_images_and_one_that_reads_the_table(trial, run):
    late = next(a for a in run.arms if a["name"] == LATE)
    assert late["notes"] and all("parts=image" in n and "parts=clinical" in n for n in late["notes"])
    fitted = fit(trial.build(trial.arms[-1], trial.splits[0]), trial.arrays, trial.splits[0])
    read = [[part.kind for part in member.fused_.parts] for member in fitted.members_.values()]
    assert read == [["image"], ["clinical"]] and fitted.inner_folds == 3  # no network is trained


@pytest.mark.parametrize("name", ARMS[1:])
def test_a_graft_repeats_its_predictions_to_the_last_bit_with_gaps(trial, name, tmp_path):
    a = next(a for a in trial.arms if a.name == name)
    fitted = fit(trial.build(a, trial.splits[0]), trial.arrays, trial.splits[0])
    save(tmp_path / "g", fitted, trial.design.data, {})
    test = trial.design.data.select(trial.splits[0].test)
    assert test.table[["image", "sequence", "marker"]].isna().any().all()
    graft = mg.load(tmp_path / "g")
    np.testing.assert_array_equal(
        graft.predict_proba(test), predict(fitted, trial.arrays, trial.splits[0].test)
    )


def test_what_reads_images_alone_is_refused_where_some_patients_have_none(folder, network):
    with pytest.raises(mg.MedgraftError, match="'linear-probe' needs a sample in every row, which some lack"):
        mg.Trial(cohort(folder), ["linear-probe", "fusion"], source=network)
    whole = cohort(folder).table["image"].notna().to_numpy()
    made = mg.Trial(cohort(folder, whole), ["linear-probe", "fusion"], source=network)
    assert made.control == "scratch"


def test_a_pattern_stands_for_a_cascade_where_there_are_an_image_and_a_table(folder, network):
    def named(**roles):
        return {a.name for a in mg.Trial(cohort(folder, **roles), ["*s*"], source=network).arms}

    assert {"cascade", "fusion"} <= named()
    assert named(features=[]) & {"cascade", "fusion"} == {"fusion"}


def test_a_network_of_another_kind_is_for_fusions(folder, network):
    whole = cohort(folder).table["image"].notna().to_numpy()
    sources = [network, "medgraft:sequence_cnn"]
    arms = ["linear-probe", "linear-probe:source=sequence_cnn"]
    made = mg.Trial(cohort(folder, whole), arms, source=sources, folds=2)
    assert made.network.spec == network
    with pytest.raises(mg.MedgraftError, match="reads the kind sequence, .* use fusion:parts=sequence_cnn"):
        made.plan()


@pytest.fixture
def readings(tmp_path):
    """Recordings and sequences, and how a trial reads them."""
    rows = []
    for i in range(4):
        path = tmp_path / f"{i}.csv"
        pd.DataFrame({"a": np.sin(np.arange(64.0) + i), "b": np.arange(64.0)}).to_csv(path, index=False)
        rows.append({"signal": str(path), "sequence": "ACGTACGT"[i:], "label": "xy"[i % 2], "age": 50.0 + i})
    rows[1]["signal"] = None
    data = mg.read(pd.DataFrame(rows), label="label", signal="signal", sequence="sequence", features=["age"])
    return read_alike([data], "length=6,recorded=32,seconds=1")


def test_settings_and_views_go_to_the_kind_that_knows_them(readings):
    found, _ = readings
    assert list(found) == ["signal", "sequence"]
    assert found["sequence"] == SequenceReading(6)
    assert isinstance(found["signal"], SignalReading) and found["signal"].shape == (2, 32)
    made = views_of(["kmers:k=1", "statistics"], found)
    assert {kind: view.views for kind, view in made.items()} == {
        "signal": ("statistics",),
        "sequence": ("kmers:k=1",),
    }
    assert [view.views for view in views_of([], found).values()] == [(), ()]


def test_a_source_goes_to_the_kind_that_it_reads(readings, network):
    found, _ = readings
    kinds = ("image", "signal", "sequence")
    assert reading_of(mg.Pretrained(network), kinds, found).kind == "image"
    drawn = reading_of(mg.Pretrained(network), kinds[1:], found)
    assert drawn.kind == "signal" and drawn.array.picture == "scalogram"
    assert reading_of(mg.Pretrained("medgraft:resnet1d"), kinds, found).kind == "signal"
    asked = mg.Pretrained("medgraft:sequence_cnn", array=SequenceReading(3))
    assert reading_of(asked, kinds, found).array == SequenceReading(6)
    with pytest.raises(mg.MedgraftError, match="reads signals, sequences or omics, and the data are images"):
        reading_of(mg.Pretrained("medgraft:resnet1d"), ("image", "table"), {})


def test_recordings_sequences_and_columns_are_fused_without_any_network(folder, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.read_csv(folder / "all.csv")[["sequence", "label", "patient", "marker"]].dropna()
    paths = []
    for i, label in enumerate(frame["label"]):
        paths.append(str(tmp_path / f"{i}.csv"))
        wave = np.sin(np.arange(128) * (0.9 if label == "ill" else 0.3)) + 0.5 * rng.normal(size=128)
        pd.DataFrame({"a": wave, "b": wave[::-1]}).to_csv(paths[-1], index=False)
    frame["signal"] = paths
    roles = {"signal": "signal", "sequence": "sequence", "features": ["marker"]}
    data = mg.read(frame, label="label", group="patient", **roles)
    made = mg.Trial(data, ["target-only", "fusion", "fusion:parts=signal"], folds=2, views=["statistics"])
    assert made.bench.views.kind == "signal"  # what methods for arrays read
    result = made.run(tmp_path / "run")
    said = {a["name"]: a["source"] for a in result.arms}
    assert said["fusion"] == "signal-views, sequence-views, clinical"
    fitted = fit(made.build(made.arms[2], made.splits[0]), made.arrays, made.splits[0])
    alone = fit(made.build(made.arms[0], made.splits[0]), made.arrays, made.splits[0])
    rows = made.splits[0].test
    np.testing.assert_allclose(
        predict(fitted, made.arrays, rows), predict(alone, made.arrays, rows), atol=1e-6
    )  # one part alone is the default learner on its views


def test_the_command_line_tries_and_predicts_manifests_with_gaps(folder, network, tmp_path):
    words = ["trial", str(folder / "all.csv"), "--label", "label", "--group", "patient", "--folds", "2"]
    words += ["--image", "image", "--sequence", "sequence", "--features", ",".join(FEATURES)]
    words += ["--source", network, "--view", "kmers:k=1", "--arm", "fusion", "--out", str(tmp_path / "run")]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    new = pd.read_csv(folder / "all.csv").drop(columns="label").iloc[:12]
    new.loc[0, ["image", *FEATURES]], new.loc[0, "sequence"] = None, "ACGT" * 7
    new.to_csv(folder / "new.csv", index=False)
    words = ["predict", str(tmp_path / "run"), str(folder / "new.csv"), "--out", str(tmp_path / "p.csv")]
    said = CliRunner().invoke(app, [*words, "--image", "image", "--sequence", "sequence"])
    assert said.exit_code == 0, said.output
    table = pd.read_csv(tmp_path / "p.csv")
    assert table["file"].isna().tolist() == new["image"].isna().tolist()
    assert table["file"].dropna().tolist() == new["image"].dropna().tolist()
    graft = mg.load(tmp_path / "run")
    parts = {part["role"]: part for part in json.loads((graft.path / "graft.json").read_text())["parts"]}
    assert [part["kind"] for part in parts["estimator"]["config"]["fused"]["parts"]] == [
        "image",
        "sequence",
        "clinical",
    ]
    read = mg.read(folder / "new.csv", image="image", sequence="sequence", require_label=False)
    np.testing.assert_allclose(table[["p_healthy", "p_ill"]], graft.predict_proba(read), atol=1e-12)
