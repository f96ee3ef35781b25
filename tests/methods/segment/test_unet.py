from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.overlap import dice
from medgraft.methods import entries
from medgraft.methods.segment.cases import open_mask
from medgraft.methods.segment.unet import UNet
from medgraft.methods.segment.unet_scratch import UNetScratch

QUICK = {"epochs": 2, "size": 32, "batch_size": 4, "device": "cpu"}


@pytest.fixture(scope="module")
def fitted(network, pictures):
    return UNet(network, **QUICK).fit(*pictures)


def equal(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def test_masks_lie_on_the_grid_of_each_picture_with_the_values_of_the_training_masks(fitted, pictures):
    X, masks = pictures
    found = fitted.predict(X)
    assert [f.shape for f in found] == [open_mask(m).shape for m in masks]
    assert fitted.classes_.tolist() == [0, 7] and set(np.unique(np.concatenate(found, axis=1))) <= {0, 7}


def test_probabilities_sum_to_one_and_their_greatest_is_the_prediction(fitted, pictures):
    X, _ = pictures
    for p, found in zip(fitted.probabilities(X), fitted.predict(X), strict=True):
        np.testing.assert_allclose(p.sum(axis=0), 1.0, atol=1e-5)
        np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=0)], found)


def test_what_is_bright_is_learnt_to_be_outlined(network, pictures):
    X, masks = pictures
    model = UNet(network, **{**QUICK, "epochs": 30}, validation=0.0).fit(X, masks)
    assert model.report_["loss"]["train"][-1] < 0.5 * model.report_["loss"]["train"][0]
    truth = [open_mask(m) for m in masks]
    everything = np.mean([dice(t, np.full_like(t, 7), [7]) for t in truth])
    assert model.score(X, masks) > (1 + everything) / 2  # less than half of the error of marking everything


def test_a_saved_model_predicts_the_same_to_the_last_bit(fitted, pictures):
    import json

    config, tensors = fitted.state()
    again = UNet.from_state(json.loads(json.dumps(config)), {n: t.clone() for n, t in tensors.items()})
    assert equal(fitted.probabilities(pictures[0]), again.probabilities(pictures[0]))
    assert again.classes_.dtype == fitted.classes_.dtype and again.kind_ == "image"


def test_a_sample_is_outlined_the_same_in_any_company(fitted, pictures):
    X, _ = pictures
    assert equal(fitted.predict(X)[2:3], fitted.predict(X.iloc[[2]]))


def test_the_same_seed_gives_the_same_weights_on_any_number_of_cores(network, pictures, fitted):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        again = UNet(network, **QUICK).fit(*pictures)
    finally:
        torch.set_num_threads(before)
    assert all(
        torch.equal(a, b) for a, b in zip(*(m.state()[1].values() for m in (fitted, again)), strict=True)
    )


def test_a_row_that_may_not_be_used_is_never_read_and_inputs_stay(network, pictures, fitted):
    X, masks = pictures
    more = pd.concat([X, pd.DataFrame({"image": ["no such file.png"]})], ignore_index=True)
    copy = more.copy()
    labelled = np.array([True] * len(X) + [False])
    model = UNet(network, **QUICK).fit(more, [*masks, "no such mask.png"], labelled=labelled)
    pd.testing.assert_frame_equal(more, copy)
    assert equal(model.predict(X), fitted.predict(X))


def test_masks_may_be_arrays(network, pictures, fitted):
    X, masks = pictures
    model = UNet(network, **QUICK).fit(X, [open_mask(m) for m in masks])
    assert equal(model.predict(X), fitted.predict(X))


def test_the_encoder_moves_after_its_release_and_its_norms_stand_still(network, fitted):
    from medgraft.sources.pretrained import Pretrained

    start, now = Pretrained(network).load().tensors(), fitted.backbone_.tensors()
    moved = {n for n in start if not torch.equal(start[n], now[n])}
    assert "conv_stem.weight" in moved and not any("bn" in n for n in moved)


def test_a_frozen_encoder_stays_as_it_was(network, pictures):
    from medgraft.sources.pretrained import Pretrained

    model = UNet(network, **QUICK, unfreeze=0.0).fit(*pictures)
    start, now = Pretrained(network).load().tensors(), model.backbone_.tensors()
    assert all(torch.equal(start[n], now[n]) for n in start)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("slices", [1, 3])
def test_a_volume_is_outlined_slice_by_slice(network, volumes, axis, slices):
    X, masks = volumes
    model = UNet(network, **QUICK, axis=axis, slices=slices).fit(X, masks)
    assert [f.shape for f in model.predict(X)] == [open_mask(m).shape for m in masks]
    assert model.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["pictures", "volumes"])
def test_windows_serve_what_is_larger_than_the_network(network, kind, request):
    X, masks = request.getfixturevalue(kind)
    model = UNet(network, **QUICK, view="windows").fit(X, masks)
    assert [f.shape for f in model.predict(X)] == [open_mask(m).shape for m in masks]


def test_scratch_starts_at_random_and_its_norms_adapt(network, pictures):
    model = UNetScratch(network, **QUICK).fit(*pictures)
    assert model.report_["load"]["loaded"] == 0
    assert model.backbone_.tensors()["bn1.num_batches_tracked"] > 0


def test_a_rate_that_is_set_afterwards_is_the_decoder_s_too(network, pictures):
    """As arms and searches set it."""
    model = UNetScratch(network, **QUICK).set_params(lr=0.01).fit(*pictures)
    assert set(model.report_["learning_rates"].values()) == {0.01}


def test_too_few_rows_are_told_where_an_inner_split_was_asked_for(fitted, network, pictures):
    assert "no early stopping" in fitted.note_
    assert UNet(network, **{**QUICK, "epochs": 1}, validation=0).fit(*pictures).note_ == ""


def test_held_out_patients_stop_training_early_and_the_best_epoch_is_kept(network, pictures):
    X, masks = pictures
    X, masks = pd.concat([X] * 4, ignore_index=True), masks * 4  # copies count as one patient
    model = UNet(network, **{**QUICK, "epochs": 3}, validation=0.4).fit(X, masks)
    held = model.report_["loss"]["held"]
    assert model.report_["best"] == int(np.argmin(held)) + 1
    assert model.report_["rows"]["held"] in (8, 12)  # whole groups of four


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"view": "half"}, "view='half'"),
        ({"size": 16}, "size=16"),
        ({"epochs": 0}, "epochs=0 is out of range"),
        ({"augmentation": "strong"}, "augmentation='strong'"),
        ({"task": "binary"}, "use segmentation"),
        ({"batchnorm": "thaw"}, "batchnorm='thaw'"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(network, pictures, settings, why):
    with pytest.raises(MedgraftError, match=why):
        UNet(network, **{**QUICK, **settings}).fit(*pictures)


def test_bad_rows_are_refused_in_one_sentence(network, pictures, fitted):
    X, masks = pictures
    empty = [np.zeros_like(open_mask(m)) for m in masks]
    for wrong, y, why in (
        (X, empty, "no class above 0"),
        (X.rename(columns={"image": "picture"}), masks, "'image' or 'volume'"),
        (pd.DataFrame({"image": [None, *X["image"][1:]]}), masks, "Row 0"),
        (X, None, "y"),
        (X, masks[:-1], "."),
    ):
        with pytest.raises((MedgraftError, ValueError), match=why):
            UNet(network, **QUICK).fit(wrong, y)
    with pytest.raises(MedgraftError, match="trained on each image"):
        fitted.predict(pd.DataFrame({"volume": ["a.nii"]}))


def test_segmentation_methods_do_no_other_task_and_are_kept_from_tables():
    dense = [e for e in entries.values() if "segmentation" in e.tasks]
    assert len(dense) >= 4
    for entry in dense:
        assert entry.tasks == ("segmentation",) and not entry.reads_tables and "masks" in entry.needs


@pytest.mark.slow  # forty epochs of a volume
def test_what_fills_few_voxels_of_a_volume_is_learnt_too(network, volumes):
    X, masks = volumes
    model = UNet(network, **{**QUICK, "epochs": 40}, validation=0.0, augmentation="none", head_lr=0.01)
    before = model.set_params(epochs=1).fit(X, masks).score(X, masks)
    after = model.set_params(epochs=40).fit(X, masks).score(X, masks)
    assert before < 0.5 < after  # a model that outlines nothing has 0
