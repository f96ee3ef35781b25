"""Fine-tuned features: those of `finetune`'s own trunk, under the default learner or another."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import medgraft as mg
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.finetuned_features import FinetunedFeatures
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.images import copies
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.learner import default_learner

QUICK = {"epochs": 1, "lr": 3e-3, "device": "cpu", "random_state": 1}


@pytest.fixture(scope="module")
def fitted(network, images):
    return FinetunedFeatures(network, **QUICK).fit(images, images["label"])


@pytest.fixture(scope="module")
def tuned(network, images):
    return FineTune(network, **QUICK).fit(images, images["label"])


def test_it_is_the_default_learner_on_standardised_features_of_the_fine_tuned_trunk(fitted, tuned, images):
    F = tuned._features(list(images["image"]))
    mean, scale = scaling(F, np.ones(60))
    y = (images["label"] == "along").to_numpy().astype(int)
    truth = default_learner(random_state=1).fit((F - mean) / scale, y, groups=copies(list(images["image"])))
    assert np.allclose(fitted.predict_proba(images), truth.predict_proba((F - mean) / scale), atol=1e-10)
    assert fitted.report_["loss_train"] == tuned.report_["loss_train"]


def test_its_released_weights_moved_and_its_frozen_ones_stayed(fitted, network):
    before, after = network.load().tensors(), fitted.featuriser_.backbone().tensors()
    moved = {name for name in before if not np.array_equal(before[name].numpy(), after[name].numpy())}
    assert any(name.startswith("conv_head") for name in moved)
    assert not any(name.startswith(("conv_stem", "blocks.0")) for name in moved)


def test_without_an_epoch_it_is_the_linear_probe(network, images):
    settings = {"device": "cpu", "random_state": 1}
    still = FinetunedFeatures(network, epochs=0, **settings).fit(images, images["label"])
    probe = LinearProbe(network, **settings).fit(images, images["label"])
    assert np.allclose(still.predict_proba(images), probe.predict_proba(images), atol=1e-10)


def test_another_learner_reads_the_features_of_the_same_network(network, images, fitted):
    other = FinetunedFeatures(network, estimator=KNeighborsClassifier(1), **QUICK)
    other.fit(images, images["label"])
    assert np.array_equal(other.mean_, fitted.mean_)
    assert (other.predict(images) == images["label"]).all()


def test_values_are_learnt_by_ridge_regression_on_such_features(network, images):
    model = FinetunedFeatures(network, task="regression", **QUICK).fit(images, images["value"])
    F = FineTune(network, task="regression", **QUICK).fit(images, images["value"])._features(images["image"])
    mean, scale = scaling(F, np.ones(60))
    truth = default_learner("regression", random_state=1)
    truth.fit((F - mean) / scale, images["value"].to_numpy(), groups=copies(list(images["image"])))
    assert np.allclose(model.predict(images), truth.predict((F - mean) / scale), atol=1e-6)


def test_it_is_saved_with_its_network_and_keeps_no_row(fitted, images):
    config, tensors = fitted.state()
    again = FinetunedFeatures.from_state(config, tensors)
    assert np.array_equal(again.predict_proba(images), fitted.predict_proba(images))
    assert not any(60 in tensor.shape for tensor in tensors.values())


def test_a_trial_runs_it_with_a_learner_and_delivers_it(network, images, tmp_path):
    cohort = mg.read(images, image="image", label="label", group="patient", features=())
    arm = "finetuned-features:epochs=1+hopfield"
    mg.Trial(cohort, [f"scratch:source={network.spec},epochs=1", arm], source=network, folds=2).run(tmp_path)
    names = [a["name"] for a in mg.Result.read(tmp_path).arms]
    assert arm in names
