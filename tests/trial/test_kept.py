"""Every arm on images, saved and read back, predicts the same to the last bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.graft import save
from medgraft.methods.learners import learners
from medgraft.methods.prepare import steps
from medgraft.methods.registry import entries
from medgraft.trial.arms import build
from medgraft.trial.tasks import fit
from medgraft.trial.tasks import predict as predict_rows
from samples import image_folder, network_file

METHODS = [  # cascade needs columns beside the images: tests/methods/multimodal
    name
    for name in entries
    if "images" in entries[name].needs and "segmentation" not in entries[name].tasks and name != "cascade"
]
LEARNERS = [f"linear-probe+{name}" for name in learners if "binary" in learners[name].tasks]
STEPS = [f"linear-probe+{name}" for name in steps if steps[name].around == "learner"]
SLOW = {"linear-probe+ae-lstm", "linear-probe+contrastive-vae", "linear-probe+cnn1d"}
OTHERS = ["finetune:adapter=lora", "coral", "coral+svm", "pooled+random-forest"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Images of two scanners in training, of the second in the test, and a network in a file."""
    root = tmp_path_factory.mktemp("kept")
    parts = []
    for folder, per_class, scanners in (("train", 8, "ab"), ("test", 3, "b")):
        paths = sorted(image_folder(root / folder, per_class, size=32, seed=per_class).rglob("*.jpg"))
        rows = [
            {"image": str(p), "side": p.parent.name, "scanner": scanners[i % len(scanners)]}
            for i, p in enumerate(paths)
        ]
        parts.append(mg.read(pd.DataFrame(rows), image="image", label="side", domain="scanner"))
    return *parts, str(network_file(root / "small.safetensors"))


def quick(arm):
    """The arm with one pass over the images, where it trains a network."""
    name, colon, settings = arm.partition(":")
    takes = entries[name].cls().get_params() if name in entries else {}
    given = [settings] if colon else []
    return ":".join([name, ",".join(given + [f"{s}=1" for s in ("epochs", "views") if s in takes])]).rstrip(
        ":"
    )


@pytest.mark.parametrize(
    "arm",
    [
        pytest.param(arm, marks=pytest.mark.slow) if arm in SLOW else arm
        for arm in (*METHODS, *LEARNERS, *STEPS, *OTHERS)
    ],
)
def test_every_arm_is_kept_to_the_last_bit(arm, bench, tmp_path, monkeypatch):
    train, test, network = bench
    trial = mg.Trial(train, [quick(arm)], source=mg.Pretrained(network), test=test, target="b")
    fitted = fit(build(mg.arm(quick(arm)), trial.bench, 0), trial.arrays, trial.splits[0])
    expected = predict_rows(fitted, trial.arrays, trial.splits[0].test)
    assert np.isfinite(np.asarray(expected, dtype=float)).all()
    save(tmp_path / "graft", fitted, trial.design.data, {})
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "elsewhere"))  # nothing is remembered
    np.testing.assert_array_equal(mg.load(tmp_path / "graft").predict_proba(test), expected)
