"""The control: the same network without what it knew."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone

from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.finetune.finetune import FineTune
from medgraft.sources.backbone import load

SMALL = "timm:mobilenetv2_035"  # only its architecture is used: nothing is downloaded
FAST = {"epochs": 1, "batch_size": 8, "validation": 0.0}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for i in range(16):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    return pd.DataFrame({"image": [str(folder / f"{i}.png") for i in range(16)]})


@pytest.fixture(scope="module")
def model(images):
    return Scratch(SMALL, **FAST).fit(images, np.arange(16) % 2)


def test_it_starts_from_random_weights_and_moves_all_of_them(model):
    start = dict(load(SMALL, pretrained=False, seed=0).module.named_parameters())
    end = dict(model.network_.trunk.named_parameters())
    assert start.keys() == end.keys()
    assert all(not torch.equal(start[name], end[name]) for name in start)
    assert "random weights" in model.report_["load"]["sentence"]


def test_batchnorm_adapts(model):
    statistics = [b for n, b in model.network_.trunk.named_buffers() if n.endswith("running_mean")]
    assert statistics
    assert all(s.abs().max() > 0 for s in statistics)


def test_nothing_is_frozen_and_all_learn_at_one_rate(model):
    assert model.report_["freeze"] == []
    assert set(model.report_["learning_rates"].values()) == {model.lr}


def test_a_rate_that_is_set_afterwards_is_the_head_s_too(images):
    """As arms and searches set it."""
    model = Scratch(SMALL, **FAST).set_params(lr=0.01).fit(images, np.arange(16) % 2)
    assert set(model.report_["learning_rates"].values()) == {0.01}


def test_it_passes_over_the_images_as_often_as_finetune():
    ours, theirs = Scratch(SMALL).get_params(), FineTune(SMALL).get_params()
    for shared in (
        "epochs",
        "validation",
        "patience",
        "augmentation",
        "class_weight",
        "schedule",
        "batch_size",
    ):
        assert ours[shared] == theirs[shared]


def test_the_seed_decides_the_weights(model, images):
    y = np.arange(16) % 2
    again = Scratch(SMALL, **FAST).fit(images, y)
    other = Scratch(SMALL, random_state=1, **FAST).fit(images, y)
    assert np.array_equal(again.predict_proba(images), model.predict_proba(images))
    assert not np.allclose(other.predict_proba(images), model.predict_proba(images))


def test_saved_equals_trained_to_the_last_bit(model, images):
    again = Scratch.from_state(*model.state())
    assert isinstance(again, Scratch)
    assert np.array_equal(again.predict_proba(images), model.predict_proba(images))
    assert again.batchnorm == "adapt"


def test_cloning_keeps_the_settings():
    assert clone(Scratch(SMALL, lr=0.5)).get_params()["lr"] == 0.5


def test_a_plan_promises_no_frozen_block_and_random_weights():
    said = Scratch(SMALL).plan(100, 10)
    assert said["freeze"] == []
    assert "random weights" in said["load"]
    assert "adapts" in said["batchnorm"]
