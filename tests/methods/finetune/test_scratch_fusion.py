"""A frozen and a new network: their features side by side, the new one trained on the training rows alone."""

from __future__ import annotations

import numpy as np
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.scratch_fusion import ScratchFusion
from medgraft.methods.learner import default_learner
from medgraft.sources import Pretrained

QUICK = {"epochs": 2, "lr": 3e-3, "device": "cpu", "random_state": 1}
OWN = "medgraft:cifar_resnet20"


@pytest.fixture(scope="module")
def fitted(network, images):
    return ScratchFusion([network], own=OWN, **QUICK).fit(images, images["label"], groups=images["patient"])


def test_it_is_the_default_learner_on_both_networks_features_of_equal_variance(fitted, network, images):
    net = Scratch(Pretrained(OWN, size=32), **QUICK).fit(images, images["label"], groups=images["patient"])
    probe = LinearProbe(network, device="cpu").fit(images, images["label"])
    blocks = []
    for F in (probe._features(list(images["image"])), net._features(list(images["image"]))):
        mean, scale = scaling(F, np.ones(60))
        blocks.append((F - mean) / scale)
    d = sum(block.shape[1] for block in blocks)
    Z = np.hstack([np.sqrt(d / (2 * block.shape[1])) * block for block in blocks])
    y = (images["label"] == "along").to_numpy().astype(int)
    units = np.unique(images["patient"], return_inverse=True)[1]
    truth = default_learner(random_state=1).fit(Z, y, groups=units)
    np.testing.assert_allclose(fitted.predict_proba(images), truth.predict_proba(Z), atol=1e-5)
    assert fitted.names_[-1] == "own cifar_resnet20[63]" and len(fitted.names_) == d


def test_the_frozen_network_stays_and_the_new_one_is_no_longer_random(fitted, network):
    frozen, new = (part.featuriser.backbone().tensors() for part in fitted.fused_.parts)
    before = network.load().tensors()
    assert all(np.array_equal(before[name].numpy(), frozen[name].numpy()) for name in before)
    random = Pretrained(OWN, size=32).load(pretrained=False, seed=1).tensors()
    assert not np.array_equal(random["conv1.weight"].numpy(), new["conv1.weight"].numpy())


def test_labels_that_may_not_be_used_teach_neither_network_nor_learner(network, images):
    labelled = np.arange(60) % 3 > 0
    turned = np.where(labelled, images["label"], np.roll(images["label"], 1))
    a, b = (
        ScratchFusion([network], own=OWN, **QUICK).fit(images, y, labelled=labelled)
        for y in (images["label"], turned)
    )
    np.testing.assert_array_equal(a.predict_proba(images), b.predict_proba(images))


def test_it_is_saved_with_both_networks_and_keeps_no_row(fitted, images):
    config, tensors = fitted.state()
    again = ScratchFusion.from_state(config, tensors)
    assert np.array_equal(again.predict_proba(images), fitted.predict_proba(images))
    assert not any(60 in tensor.shape for tensor in tensors.values())


def test_without_a_pretrained_network_it_says_what_is_missing(images):
    with pytest.raises(MedgraftError, match="--source"):
        ScratchFusion(["radiomics"]).fit(images, images["label"])


def test_a_trial_runs_it_behind_smote_and_says_what_it_costs(network, images, tmp_path):
    cohort = mg.read(images, image="image", label="label", group="patient", features=())
    arm = f"scratch-fusion:own={OWN},epochs=1+smote+prototypes"
    trial = mg.Trial(cohort, [f"scratch:source={network.spec},epochs=1", arm], source=network, folds=2)
    assert arm in [a["name"] for a in trial.run(tmp_path).arms]
    model = ScratchFusion([network], own=OWN)
    own, both = Scratch(Pretrained(OWN, size=32)).plan(50, 60), model.plan(50, 10)
    assert both["cpu_seconds"] > 0.5 * own["cpu_seconds"] and both["batchnorm"] == own["batchnorm"]
