"""[69]: rotations and labels, random and known weights, judged by calibration."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.evidence.metrics import metrics
from medgraft.studies import studies
from medgraft.studies.kit.found import find
from medgraft.studies.kit.run import Run
from medgraft.studies.sambyal2023 import accuracy, tasks


def test_both_eyes_of_a_person_stay_together_and_retinopathy_is_told_from_normal(shared_data, tmp_path):
    s = studies["sambyal2023"]
    run = Run(s, find(s, [shared_data("eye_fundus_4class")], False, tmp_path, 0), tmp_path)
    made = tasks(run)
    assert list(made) == ["Retinopathy"]
    eyes = made["Retinopathy"]
    assert eyes.n == 300 and eyes.positive == "ill" and np.bincount(eyes.y).tolist() == [150, 150]
    files = eyes.table["image"].astype(str)
    for name in files[files.str.contains("_left")]:
        other = np.flatnonzero((files == name.replace("_left", "_right")).to_numpy())
        if len(other):
            assert eyes.groups[other[0]] == eyes.groups[np.flatnonzero((files == name).to_numpy())[0]]
    assert len(np.unique(eyes.groups)) < eyes.n


def test_accuracy_is_counted_by_hand():
    frame = pd.DataFrame(
        {"arm": ["a", "a", "b"], "y_true": [0, 1, 1], "p_0": [0.6, 0.7, 0], "p_1": [0.4, 0.3, 1]}
    )
    assert accuracy(frame, "a") == 0.5 and accuracy(frame, "b") == 1.0


@pytest.mark.slow
def test_the_grid_is_whole_the_figures_are_calibration_and_rotations_change_the_network(tmp_path):
    told = studies["sambyal2023"].run(tmp_path, generated=True)
    first, second = told["experiments"]
    grid = {(a["name"].split(":")[0], "pretext=rotation" in a["name"]) for a in first["arms"]}
    assert {(start, ssl) for start in ("scratch", "finetune") for ssl in (False, True)} <= grid
    assert first["metric"] == "ece" and metrics["ece"].better == "lower"
    assert second["method"].replace(",pretext=rotation,pretext_epochs=2", "") == second["control"]
    frame = pd.read_parquet(tmp_path / first["folder"] / "predictions.parquet")
    p = frame.pivot(index="row", columns="arm", values="p_1")
    assert np.abs(p[second["method"]] - p[second["control"]]).max() > 0.01  # without the stage: 0
    for a in first["arms"]:
        y, q = frame.loc[frame["arm"] == a["name"], ["y_true", "p_1"]].to_numpy().T
        assert a["value"] == pytest.approx(_ece(y, q), abs=0.05)  # means of folds may be taken
    likeness = next(note for note in told["notes"] if "CKA" in note)
    assert float(likeness.rstrip(".").split()[-1]) < 1


def _ece(y, p):
    """Ten bins of equal mass, by the definition."""
    bins = np.array_split(np.argsort(p, kind="stable"), 10)
    return sum(abs((y[b] - p[b]).sum()) for b in bins) / len(y)
