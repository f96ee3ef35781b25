from __future__ import annotations

import numpy as np
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.optimisers import cycle_ends, factor, in_cycle
from medgraft.methods.finetune.snapshots import changed
from samples import image_folder, network_file


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("scans")
    return mg.Pretrained(str(network_file(root / "net.safetensors"))), mg.read(
        image_folder(root / "train", 10)
    )


@pytest.fixture(scope="module")
def fitted(images):
    source, cohort = images
    settings = {"epochs": 4, "snapshots": 2, "unfreeze": 0.3, "views": 1, "augmentation": "none", "lr": 1e-2}
    return FineTune(source, device="cpu", **settings).fit(cohort.X, cohort.y), cohort


def test_the_rate_is_a_cosine_from_its_peak_to_nothing_in_every_cycle():
    epochs, steps, cycles = 6, 10, 3
    rates = [factor("cosine", i / 60, in_cycle(i / 60, epochs, cycles)) for i in range(epochs * steps)]
    for m in (1, 2):  # Huang et al., equation 2; the first cycle also warms up
        for t in range(20):
            assert rates[20 * m + t] == pytest.approx(0.5 * (np.cos(np.pi * t / 20) + 1), abs=1e-9)
    assert cycle_ends(epochs, cycles) == [2, 4, 6]
    assert [factor("cosine", d, in_cycle(d, 5, 1)) for d in (0.0, 0.3, 1.0)] == [
        factor("cosine", d) for d in (0.0, 0.3, 1.0)
    ]


def test_predictions_are_the_mean_over_the_snapshots(fitted):
    model, cohort = fitted
    assert len(model.snapshots_) == model.report_["snapshots"] == 2
    assert model.report_["images"] == {"train": 20, "held_out": 0} and model.note_ == ""
    each = []
    for state in model.snapshots_:
        model.network_.load_state_dict(state, strict=False)
        each.append(model._answers(list(cohort.X["image"])))
    assert np.abs(each[0] - each[1]).max() > 1e-6  # they differ
    np.testing.assert_allclose(model.predict_proba(cohort.X), (each[0] + each[1]) / 2, rtol=1e-12)


def test_the_last_snapshot_is_the_network_that_training_ended_with(fitted):
    model, _ = fitted
    now = model.network_.state_dict()
    assert all((now[name] == tensor).all() for name, tensor in model.snapshots_[-1].items())


def test_what_is_frozen_is_kept_once_and_a_saved_model_predicts_the_same_to_the_last_bit(fitted):
    model, cohort = fitted
    config, tensors = model.state()
    own = [n for n in tensors if n.startswith("snapshot-0.")]
    assert own and len(own) < len(model.network_.state_dict()) / 2
    assert "snapshot-0.head.linear.weight" in own and not any("head.mean" in n for n in own)
    again = FineTune.from_state(config, tensors)
    np.testing.assert_array_equal(again.predict_proba(cohort.X), model.predict_proba(cohort.X))


def test_snapshots_that_cannot_be_are_refused(images):
    source, cohort = images
    for wrong in ({"snapshots": 5, "epochs": 2}, {"snapshots": 0}, {"snapshots": 2, "adapter": "lora"}):
        with pytest.raises(MedgraftError, match="snapshots"):
            FineTune(source, **wrong).fit(cohort.X, cohort.y)
    assert changed([]) == []
