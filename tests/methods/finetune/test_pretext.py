"""Learning without labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.finetune.batches import Live
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.pretext import Pairs, Turned, contrast

IMAGES = torch.arange(3 * 2 * 4 * 4).view(3, 2, 4, 4).to(torch.uint8)
FAST = {"epochs": 1, "batch_size": 16, "views": 1, "validation": 0.0, "pretext_epochs": 1}


def test_every_image_comes_in_four_orientations():
    inputs = Turned(lambda i: IMAGES[i], 3, False, 32)
    got = inputs.get(np.array([4, 5, 6, 7]), None).numpy()
    for q in range(4):
        assert np.array_equal(got[q], np.rot90(IMAGES[1].numpy(), q, (1, 2)))


def test_a_batch_of_pairs_holds_two_copies_of_each_image():
    pairs = Pairs(Live(lambda i: IMAGES[i], 3, False, 32), np.arange(3), np.zeros(3), np.ones(3), 2, 0)
    seen = []
    for x, y, _ in pairs:
        half = len(x) // 2
        assert torch.equal(x[:half], x[half:]) and torch.equal(y[:half], y[half:])
        seen += [int(v) for v in x[:half].flatten(1)[:, 0]]
    assert sorted(seen) == [0, 32, 64]


def test_the_contrast_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6, 5))
    got = contrast(torch.from_numpy(z), torch.tensor([0, 1, 2, 0, 1, 2])).numpy()
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    for i in range(6):
        e = np.exp(unit @ unit[i] / 0.5)
        assert got[i] == pytest.approx(-np.log(e[(i + 3) % 6] / (e.sum() - e[i])), rel=1e-5)


@pytest.mark.parametrize("pretext", ["rotation", "simclr"])
def test_the_stage_moves_the_released_blocks_and_no_other_and_reads_no_label(
    pretext, network, images, one_thread
):
    few, swapped = images.iloc[:20], images["label"][:20].to_numpy()[::-1]
    model = FineTune(network, **(FAST | {"epochs": 0}), pretext=pretext).fit(few, few["label"])
    again = FineTune(network, **(FAST | {"epochs": 0}), pretext=pretext).fit(few, swapped)
    old, new, other = network.load().tensors(), model.backbone_.tensors(), again.backbone_.tensors()
    assert all(torch.equal(new[name], other[name]) for name in new)
    moved = {name for name in old if not torch.equal(old[name], new[name])}
    frozen = [line.split(":")[0] for line in model.report_["freeze"] if "throughout" in line]
    assert moved and not any(name.startswith(tuple(f"{f}." for f in frozen)) for name in moved)
    assert not any("running" in name for name in moved)
    assert model.report_["pretext"]["images"] == 20 and len(model.report_["pretext"]["loss"]) == 1


def test_images_of_the_target_without_a_label_take_part(network, images):
    few = images.iloc[:20]
    labelled = np.arange(20) < 12
    model = FineTune(network, **(FAST | {"epochs": 0}), pretext="rotation")
    model.fit(few, few["label"], labelled=labelled)
    assert model.report_["pretext"]["images"] == 20
    assert model.report_["images"]["train"] == 12


def test_an_unknown_task_is_one_sentence(network, images):
    with pytest.raises(MedgraftError, match="none, rotation, simclr"):
        FineTune(network, pretext="jigsaw").fit(images, images["label"])
