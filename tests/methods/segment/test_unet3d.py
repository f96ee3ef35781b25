from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.segment.cases import open_mask
from medgraft.methods.segment.unet3d import UNet3d
from medgraft.methods.segment.unet3d_scratch import UNet3dScratch
from medgraft.sources.pretrained import Pretrained

QUICK = {"epochs": 2, "widths": "4-8", "device": "cpu"}


@pytest.fixture(scope="module")
def fitted(volumes):
    return UNet3dScratch(**QUICK).fit(*volumes)


@pytest.fixture(scope="module")
def source(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "other.safetensors"
    fitted.save_weights(path)
    return str(path)


def equal(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("settings", [{}, {"patch": 8}, {"spacing": 1.5}, {"norm": "group"}])
def test_masks_lie_on_the_grid_of_each_volume(volumes, settings):
    X, masks = volumes
    model = UNet3dScratch(**QUICK, **settings).fit(X, masks)
    found = model.predict(X)
    assert [f.shape for f in found] == [open_mask(m).shape for m in masks]
    assert model.classes_.tolist() == [0, 1, 2]
    for p in model.probabilities(X):
        np.testing.assert_allclose(p.sum(axis=0), 1.0, atol=1e-4)


def test_a_bright_ball_is_learnt_to_be_outlined(volumes):
    X, masks = volumes
    whole = [(open_mask(m) > 0).astype(int) for m in masks]
    model = UNet3dScratch(**{**QUICK, "epochs": 60}, lr=0.02, batch_size=2).fit(X, whole)
    assert model.report_["loss"]["train"][-1] < 0.5 * model.report_["loss"]["train"][0]
    everything = np.mean([2 * w.mean() / (1 + w.mean()) for w in whole])  # the Dice of marking every voxel
    assert model.score(X, whole) > (1 + everything) / 2


def test_a_saved_model_predicts_the_same_to_the_last_bit(fitted, volumes):
    config, tensors = fitted.state()
    again = UNet3dScratch.from_state(
        json.loads(json.dumps(config)), {n: t.clone() for n, t in tensors.items()}
    )
    assert equal(fitted.probabilities(volumes[0]), again.probabilities(volumes[0]))


def test_the_same_seed_gives_the_same_weights_on_any_number_of_cores(fitted, volumes):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        again = UNet3dScratch(**QUICK).fit(*volumes)
    finally:
        torch.set_num_threads(before)
    assert all(
        torch.equal(a, b) for a, b in zip(*(m.state()[1].values() for m in (fitted, again)), strict=True)
    )


def test_training_starts_from_the_source_and_takes_its_widths(fitted, source, volumes):
    model = UNet3d(source, epochs=1, lr=1e-12, weight_decay=0.0, device="cpu").fit(*volumes)
    load, n = model.report_["load"], len(fitted.state()[1])
    assert (load["loaded"], load["random"]) == (n, []) and f"{n} of {n} tensors" in load["sentence"]
    for name, t in fitted.network_.state_dict().items():
        torch.testing.assert_close(model.network_.state_dict()[name], t, atol=1e-9, rtol=0)


def test_a_source_of_other_classes_gives_all_but_the_last_layer(source, volumes):
    X, masks = volumes
    model = UNet3d(source, epochs=1, device="cpu").fit(X, [(open_mask(m) > 0).astype(int) for m in masks])
    assert model.report_["load"]["random"] == ["final.bias", "final.weight"]
    assert model.classes_.tolist() == [0, 1]


def test_a_file_that_does_not_say_what_it_is_is_named_with_its_network(fitted, volumes, tmp_path):
    from safetensors.torch import save_file

    save_file(fitted.state()[1], tmp_path / "model.safetensors")
    named = f"{tmp_path / 'model.safetensors'}@medgraft:unet3d"
    model = UNet3d(named, epochs=1, device="cpu").fit(*volumes)
    assert model.report_["load"]["random"] == []


def test_a_source_that_is_none_is_refused_in_one_sentence(network, volumes):
    for source, why in (
        (None, "needs a pretrained network"),
        ("nothing.safetensors", "does not exist"),
        (network, "is no 3-D U-Net: unet3d starts from a run"),
        (f"{str(network).split('@')[0]}@medgraft:unet3d", "another network than"),
    ):
        with pytest.raises(MedgraftError, match=why):
            UNet3d(source, epochs=1).fit(*volumes)


def test_too_few_rows_are_told_where_an_inner_split_was_asked_for(volumes):
    notes = [
        UNet3dScratch(**{**QUICK, "epochs": 1}, validation=share).fit(*volumes).note_ for share in (0.15, 0)
    ]
    assert "no early stopping" in notes[0] and notes[1] == ""


@pytest.mark.parametrize("settings", [{"widths": "8"}, {"widths": "a-b"}, {"epochs": 0}, {"norm": "batch"}])
def test_a_wrong_setting_is_refused_in_one_sentence(volumes, settings):
    with pytest.raises(MedgraftError):
        UNet3dScratch(**{**QUICK, **settings}).fit(*volumes)


def test_pictures_are_not_for_a_network_of_volumes(pictures):
    with pytest.raises(MedgraftError, match="column 'volume'"):
        UNet3dScratch(**QUICK).fit(*pictures)


def test_a_three_dimensional_unet_is_no_source_of_features(source):
    with pytest.raises(MedgraftError, match="a source of the arm unet3d alone"):
        Pretrained(str(source)).load()
