from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.generate import omics, sequences
from medgraft.graft import load, save
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.explain.extra import needed
from medgraft.report import build
from medgraft.trial import Trial, explained
from samples import image_folder, network_file


def planted(n=200):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"noise": rng.normal(size=n), "signal": rng.normal(size=n)})
    table["ill"] = np.where(table["signal"] > 0, "yes", "no")
    return mg.read(table, label="ill", positive="yes")


def test_the_column_that_makes_the_label_comes_first_and_the_report_draws_it(tmp_path):
    result = Trial(planted(), ["target-only", "majority"], folds=3).run(tmp_path / "run")
    found = result.data["explanation"]
    signal, noise = found["columns"]
    assert (signal["name"], noise["name"]) == ("signal", "noise")
    assert signal["size"] - signal["half"] > noise["size"] + noise["half"]
    assert found["target"] == "yes" and found["unit"] == "log-odds"
    page = build(tmp_path / "run").read_text()
    assert "What the model goes by" in page and "What each column adds towards" in page


def test_sizes_are_of_as_many_patients_as_are_told_one_row_each(tmp_path):
    table = planted().table.assign(who=np.arange(200) // 10)
    cohort = mg.read(table, label="ill", positive="yes", group="who")
    result = Trial(cohort, ["target-only"], folds=2).run(tmp_path / "run")
    assert result.data["explanation"]["patients"] == 20


def test_the_patients_explained_are_drawn_from_the_whole_file_not_from_its_head(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200) * np.repeat([0.01, 1.0], 100)  # the head of the file hardly varies
    table = pd.DataFrame({"x": x, "y": 3 * x})
    result = Trial(mg.read(table, label="y"), ["target-only"], folds=2).run(tmp_path / "run")
    size = result.data["explanation"]["columns"][0]["size"]
    assert size > 0.5 * np.abs(table["y"]).mean()


def test_without_the_extra_the_trial_ends_and_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(explained, "_columns", lambda trial, graft: needed("no_such_library"))
    result = Trial(planted(), ["target-only"], folds=2).run(tmp_path / "run")
    assert "medgraft[explain]" in result.data["explanation"]["note"]
    assert "medgraft[explain]" in build(tmp_path / "run").read_text()


def test_examples_of_images_are_the_surest_right_and_the_surest_wrong(tmp_path):
    folder = image_folder(tmp_path / "scans", 12)
    source = mg.Pretrained(str(network_file(tmp_path / "small.safetensors")))
    trial = Trial(mg.read(folder), ["linear-probe"], source=source, folds=2, examples=True)
    result = trial.run(tmp_path / "run")
    own = result.predictions[result.predictions["arm"] == result.chosen]
    p = own[["p_0", "p_1"]].to_numpy()
    right = p.argmax(axis=1) == own["y_true"]
    told = {e["what"]: e for e in result.data["examples"]}
    for what, which in (("surest right", right), ("surest wrong", ~right)):
        assert (what in told) == bool(which.any())
        if which.any():
            assert told[what]["chance"] == pytest.approx(p.max(axis=1)[which].max())
            assert (told[what]["predicted"] == told[what]["true"]) == (what == "surest right")
            assert (tmp_path / "run" / told[what]["file"]).read_bytes().startswith(b"\x89PNG")
    page = build(tmp_path / "run").read_text()
    assert page.count("data:image/png;base64") == len(told) and "shows images of patients" in page


def test_a_table_has_no_examples_to_show():
    with pytest.raises(MedgraftError, match="of a table: leave them out"):
        Trial(planted(), ["target-only"], folds=2, examples=True)


def test_a_wide_table_is_not_explained_at_the_price_of_minutes(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(40, 1001)), columns=[f"g{i}" for i in range(1001)])
    table["ill"] = np.tile(["no", "yes"], 20)
    cohort = mg.read(table, label="ill")
    model = Pooled(estimator=KNeighborsClassifier(1)).fit(cohort.X, cohort.y)
    save(tmp_path / "graft", model, cohort, {})
    graft = load(tmp_path / "graft")
    monkeypatch.setattr(explained, "load", lambda path: graft)
    result = Trial(cohort, ["majority"], folds=2).run(tmp_path / "run")
    assert "neither a linear rule nor trees" in result.data["explanation"]["note"]


def test_a_refusal_that_quotes_a_patient_is_withheld(tmp_path, monkeypatch):
    def refuse(trial, graft):
        raise MedgraftError("The row of 'ana' cannot be explained.")

    monkeypatch.setattr(explained, "_columns", refuse)
    table = planted().table.assign(who=np.where(np.arange(200) == 3, "ana", np.arange(200).astype(str)))
    cohort = mg.read(table, label="ill", positive="yes", group="who")
    result = Trial(cohort, ["majority"], folds=2).run(tmp_path / "run")
    assert "ana" not in result.data["explanation"]["note"].replace("explained", "")


def test_what_views_make_of_sequences_is_told_column_by_column(tmp_path):
    made = sequences(tmp_path / "s.fasta", 60, length=30, motif="GGGG", seed=1)
    cohort = mg.read(made.table, label="label", sequence="sequence", group="patient")
    result = Trial(cohort, ["target-only"], folds=2).run(tmp_path / "run")
    found = result.data["explanation"]
    assert found["columns"][0]["name"] == "kmers__GGG" and found["way"] == "linear"
    assert "kmers__GGG" in build(tmp_path / "run").read_text()


def test_wide_omics_of_a_linear_model_are_explained_for_there_is_a_formula(tmp_path):
    made = omics(tmp_path / "m.csv", 40, 1100, informative=3, effect=6.0, seed=1)
    roles = {"omics": str(tmp_path / "m.csv")}
    cohort = mg.read(tmp_path / "m_samples.csv", label="label", group="patient", **roles)
    result = Trial(cohort, ["target-only"], folds=2).run(tmp_path / "run")
    found = result.data["explanation"]
    planted = {f"cg{j + 1:08d}" for j in np.flatnonzero(made.truth.coefficients["a"])}
    assert {c["name"] for c in found["columns"][:3]} == planted and found["more"] == 1085


def test_a_network_of_sequences_has_no_columns_and_says_what_to_do(tmp_path):
    made = sequences(tmp_path / "s.fasta", 24, length=30, motif="GGGG", seed=1)
    cohort = mg.read(made.table, label="label", sequence="sequence", group="patient")
    source = mg.Pretrained("medgraft:sequence_cnn")
    result = Trial(cohort, ["scratch:epochs=0"], source=source, folds=2).run(tmp_path / "run")
    assert "medgraft explain shows" in result.data["explanation"]["note"]
