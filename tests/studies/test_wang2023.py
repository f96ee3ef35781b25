"""[54]: who teaches and who is tested, what the leak does, and whether the source's model is used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.studies.kit.seen import seen
from medgraft.studies.wang2023 import own_scale, scenario, small
from medgraft.trial import Trial


@pytest.fixture(scope="module")
def bonn():
    """Return 20 numbers a set, whose labels are the names of Bonn's folders."""
    names = np.repeat(["A_Z", "B_O", "C_N", "D_F", "E_S"], 20)
    x = np.arange(100.0)
    return mg.read(pd.DataFrame({"x": x, "set": names}), label="set", features=["x"])


def test_a_scenario_takes_its_two_sets_and_deals_the_seizures_to_source_and_target(bonn):
    teach, test = scenario(bonn, "O", "F", seed=3)
    people = teach.table.groupby(["people", "set"]).size().to_dict()
    assert people[("healthy", "B_O")] == 20 and people[("healthy", "E_S")] == 10
    assert set(test.table["people"]) == {"epilepsy"} and set(test.table["set"]) == {"D_F", "E_S"}
    assert sorted({*teach.table["set"], *test.table["set"]}) == ["B_O", "D_F", "E_S"]
    rows = [*teach.table["x"], *test.table["x"]]
    assert len(rows) == len(set(rows)) == 60  # nothing twice, nothing lost
    assert teach.classes == ["no", "yes"] and teach.positive == "yes"


def test_as_published_scales_the_tested_rows_by_themselves(bonn):
    teach, test = scenario(bonn, "O", "F", seed=3)
    own = own_scale(test)
    assert np.allclose([own.table["x"].mean(), own.table["x"].std(ddof=0)], [0, 1])
    moved = replace(test, table=test.table.assign(x=test.table["x"] * 7 + 100))
    assert np.allclose(own_scale(moved).table["x"], own.table["x"])  # what the hospital measured is gone
    by = own_scale(teach).table.groupby("people")["x"]
    assert np.allclose(by.mean(), 0) and np.allclose(by.std(ddof=0), 1)


def test_views_keep_labels_and_patients_and_each_gives_columns_of_its_name(tmp_path):
    cohort = small(tmp_path, 0).select(np.arange(6))
    table = seen(cohort, ["stft", "statistics"], "recorded=173.61")
    assert table.kind == "table" and table.signal is None
    assert {c.split("__")[0] for c in table.features} == {"stft", "statistics"}
    assert table.group == "patient" and table.y.tolist() == cohort.y.tolist()
    again = seen(cohort.select([4]), ["stft", "statistics"], "recorded=173.61")
    assert np.allclose(again.X, table.X.iloc[[4]])  # a sample's numbers do not hang on the others


@pytest.mark.slow
def test_the_arm_starts_from_the_sources_model_and_weighs_both_views(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1], 50))
    table = pd.DataFrame({"stft__a": y + 0.3 * rng.normal(size=100), "statistics__a": rng.normal(size=100)})
    table = table.assign(seizure=np.where(y, "yes", "no"), people=np.repeat(["healthy", "epilepsy"], 50))

    def predicted(turned: bool, arm: str) -> np.ndarray:
        label = table["seizure"].copy()
        if turned:
            label[:50] = np.where(label[:50] == "yes", "no", "yes")
        cohort = mg.read(table.assign(seizure=label), label="seizure", domain="people")
        trial = Trial(cohort, ["target-only", "mvtl-lsr"], target="epilepsy", folds=2, labels_per_class=4)
        result = trial.run(tmp_path / f"{arm}{turned}")
        frame = result.predictions
        return frame.loc[frame["arm"] == arm].sort_values("row")["p_1"].to_numpy()

    assert np.array_equal(predicted(False, "target-only"), predicted(True, "target-only"))
    assert not np.allclose(predicted(False, "mvtl-lsr"), predicted(True, "mvtl-lsr"), atol=0.01)


@pytest.mark.slow
def test_the_study_tells_two_and_three_views_beside_the_target_alone(tmp_path):
    told = mg.studies["wang2023"].run(tmp_path, generated=True)
    titles = [e["title"].split(", ")[1:] for e in told["experiments"]]
    assert titles == [[f"{k} views", f"{n} labels"] for k in (3, 2) for n in (8, 20)]
    for e in told["experiments"]:
        assert [a["name"] for a in e["arms"]] == ["target-only", "source-only", "pooled", "mvtl-lsr"]
