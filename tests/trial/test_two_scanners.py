"""A trial on images of two scanners, of which the second has no label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from samples import image_folder, network_file

FAST = "epochs=1,views=1,augmentation=none"
ARMS = ["source-only", "adaptive-batchnorm", f"dann:{FAST}", f"mcc:{FAST}", "guarded"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("scanners")
    folders = {name: image_folder(root / name, 12, seed=seed) for seed, name in enumerate("ab")}
    rows = [
        {"image": str(path), "side": path.parent.name, "scanner": name}
        for name, folder in folders.items()
        for path in sorted(folder.rglob("*.jpg"))
    ]
    cohort = mg.read(pd.DataFrame(rows), image="image", label="side", domain="scanner")
    network = network_file(root / "small.safetensors")

    trial = mg.Trial(
        cohort, ARMS, source=mg.Pretrained(str(network)), target="b", labels_per_class=0, folds=2
    )
    return trial.run(root / "run")


def test_every_adaptation_stands_beside_the_source_s_model(run):
    assert run.data["control"] == "source-only"
    assert {c["arm"] for c in run.comparisons} == set(ARMS) - {"source-only"}
    assert run.data["n"] == 24


def test_with_a_dozen_source_images_the_guard_keeps_the_control_and_says_so(run):
    assert "too few to choose by" in run.data["guard"]["final"]["reason"]
    assert "source-only" in run.delivered


def test_the_delivered_model_predicts_the_second_scanner(run):
    rows = run.predictions
    assert np.isfinite(rows[["p_0", "p_1"]].to_numpy()).all()
    assert run.graft.classes == ["left", "right"]
