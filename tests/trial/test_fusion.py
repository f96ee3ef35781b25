"""Trials of several networks, radiomics and clinical columns beside the images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.report  # one verb alone would need no name
import medgraft.cli.trial
from medgraft.cli.app import app
from medgraft.trial.tasks import fit, predict
from samples import image_folder, network_file

ARMS = [
    "scratch:epochs=0",
    "linear-probe",
    "linear-probe:source=mobilenetv2_050",
    "fusion",
    "fusion:parts=radiomics/clinical+spearman-select+lasso-select+svm:features=64",
]


def manifest(folder, per_class, seed=0):
    """Images with age (gaps) and sex in a table, whose paths are absolute."""
    rng = np.random.default_rng(seed)
    paths = sorted(image_folder(folder, per_class, seed=seed).rglob("*.jpg"))
    frame = pd.DataFrame({"path": list(map(str, paths)), "label": [p.parent.name for p in paths]})
    frame["age"] = np.where(rng.random(len(frame)) < 0.2, np.nan, rng.normal(50, 9, len(frame)).round())
    frame["sex"] = np.where((frame["label"] == "left") ^ (rng.random(len(frame)) < 0.2), "f", "m")
    return frame


def cohort(frame, **roles):
    return mg.read(frame, label="label", image="path", features=["age", "sex"], **roles)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    return manifest(root / "train", 12), manifest(root / "test", 5, seed=1)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    root = tmp_path_factory.mktemp("weights")
    files = [
        network_file(root / f"{name}.safetensors", name) for name in ("mobilenetv2_035", "mobilenetv2_050")
    ]
    return [*map(str, files), "radiomics:region=otsu"]


@pytest.fixture(scope="module")
def trial(tables, sources):
    train, test = map(cohort, tables)
    return mg.Trial(train, ARMS, source=sources, test=test)


@pytest.fixture(scope="module")
def run(trial, tmp_path_factory):
    return trial.run(tmp_path_factory.mktemp("run") / "out")


def test_each_arm_says_what_it_read(run):
    said = {a["name"]: a["source"] for a in run.arms}
    assert said["linear-probe"] == "timm:mobilenetv2_035"
    assert said["linear-probe:source=mobilenetv2_050"] == "timm:mobilenetv2_050"
    assert said["fusion"] == "mobilenetv2_035, mobilenetv2_050, radiomics, clinical"
    assert said[ARMS[-1]] == "radiomics, clinical"
    networks = "the pretrained networks timm:mobilenetv2_035 and timm:mobilenetv2_050, and radiomics"
    assert networks in run.data["question"]


def test_an_arm_that_names_a_network_is_that_networks_own(trial, tables, sources):
    alone = mg.Trial(cohort(tables[0]), ["linear-probe"], source=sources[1], test=cohort(tables[1]))
    expected = fit(alone.build(mg.arm("linear-probe"), alone.splits[0]), alone.arrays, alone.splits[0])
    named = fit(trial.build(mg.arm(ARMS[2]), trial.splits[0]), trial.arrays, trial.splits[0])
    rows = trial.splits[0].test
    np.testing.assert_array_equal(predict(named, trial.arrays, rows), predict(expected, alone.arrays, rows))


@pytest.mark.parametrize("name", ARMS[3:])
def test_a_fusion_makes_a_graft_that_repeats_its_predictions_and_asks_for_its_columns(
    trial, tables, name, tmp_path
):
    from medgraft.graft import save

    fitted = fit(trial.build(mg.arm(name), trial.splits[0]), trial.arrays, trial.splits[0])
    save(tmp_path / "g", fitted, trial.design.data, {})
    expected = predict(fitted, trial.arrays, trial.splits[0].test)
    graft = mg.load(tmp_path / "g")
    np.testing.assert_array_equal(graft.predict_proba(cohort(tables[1])), expected)
    images = mg.read(tables[1].drop(columns=["age"]), image="path", require_label=False)
    with pytest.raises(mg.MedgraftError, match="lack 1 of the graft's columns: 'age'"):
        graft.predict_proba(images)
    words = mg.read(tables[1].assign(age="old"), image="path", require_label=False)
    with pytest.raises(mg.MedgraftError, match="'age' must hold numbers"):
        graft.predict_proba(words)
    for path in sorted((tmp_path / "g").rglob("*")):  # no patient, no pickle
        assert path.is_dir() or (
            b"left/0-3.jpg" not in path.read_bytes() and b"\x80\x04\x95" not in path.read_bytes()
        )


def test_a_network_that_was_not_given_is_one_sentence(tables, sources):
    made = mg.Trial(cohort(tables[0]), ["linear-probe:source=mobilenetv2_05"], source=sources, folds=2)
    with pytest.raises(mg.MedgraftError, match="no network 'mobilenetv2_05'. Did you mean"):
        made.plan()


def test_radiomics_needs_no_network(tables, tmp_path):
    made = mg.Trial(cohort(tables[0]), ["fusion"], source="radiomics", test=cohort(tables[1]))
    assert made.control == "majority"
    result = made.run(tmp_path / "out")
    assert result.data["question"].startswith("Does transfer from radiomics help")
    assert {a["name"] for a in result.arms} == {"majority", "fusion"}


def test_radiomics_of_a_table_is_refused():
    frame = pd.DataFrame({"a": range(40), "label": ["x", "y"] * 20})
    with pytest.raises(mg.MedgraftError, match="is a table"):
        mg.Trial(mg.read(frame, label="label"), ["fusion"], source="radiomics")


def test_the_command_line_takes_several_sources_and_columns(tables, sources, tmp_path):
    tables[0].assign(site="a").to_csv(tmp_path / "train.csv", index=False)
    words = ["trial", str(tmp_path / "train.csv"), "--label", "label", "--image", "path", "--folds", "2"]
    words += [
        "--features",
        "age,sex",
        "--source",
        sources[0],
        "--source",
        sources[1],
        "--source",
        "radiomics",
    ]
    words += ["--arm", "scratch:epochs=0", "--arm", "fusion", "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    assert "fusion" in said.output


def test_a_feature_called_like_a_kind_of_file_is_refused(tables):
    made = mg.read(tables[0].assign(mask=1.0), label="label", image="path", features=["age", "mask"])
    with pytest.raises(mg.MedgraftError, match="called like a kind of file"):
        mg.Trial(made, ["fusion"], source="radiomics").arrays  # noqa: B018
