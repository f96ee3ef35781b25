"""Learning without labels before fine-tuning."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.selfsup import pretrain
from medgraft.methods.selfsup.tasks import PRETEXTS

FAST = {"epochs": 0, "batch_size": 16, "views": 1, "validation": 0.0, "pretext_epochs": 1}


def moved(network, model):
    old, new = network.load().tensors(), model.backbone_.tensors()
    return {name for name in old if not torch.equal(old[name], new[name])}


@pytest.mark.parametrize("pretext", PRETEXTS)
def test_the_stage_moves_the_released_blocks_and_no_other_and_reads_no_label(
    pretext, network, images, one_thread
):
    few, swapped = images.iloc[:20], images["label"][:20].to_numpy()[::-1]
    model = FineTune(network, **FAST, pretext=pretext).fit(few, few["label"])
    again = FineTune(network, **FAST, pretext=pretext).fit(few, swapped)
    new, other = model.backbone_.tensors(), again.backbone_.tensors()
    assert all(torch.equal(new[name], other[name]) for name in new)
    frozen = [line.split(":")[0] for line in model.report_["freeze"] if "throughout" in line]
    changed = moved(network, model)
    assert changed and not any(name.startswith(tuple(f"{f}." for f in frozen)) for name in changed)
    assert not any("running" in name for name in changed)
    assert model.report_["pretext"]["images"] == 20
    assert {name: len(loss) for name, loss in model.report_["pretext"]["loss"].items()} == {pretext: 1}


@pytest.mark.parametrize("pretext", ["masked", "autoencoder"])
def test_reconstruction_learns_four_images_by_heart(pretext, network, images, one_thread):
    four = images.iloc[:4]
    model = FineTune(
        network, **(FAST | {"pretext_epochs": 40, "lr": 5e-3, "augmentation": "none"}), pretext=pretext
    )
    loss = model.fit(four, four["label"]).report_["pretext"]["loss"][pretext]
    assert np.mean(loss[-5:]) < 0.7 * np.mean(loss[:5])


def test_blocks_that_are_named_are_those_that_learn(network, images, one_thread):
    few = images.iloc[:16]
    model = FineTune(network, **FAST, pretext="masked", layers="blocks.4").fit(few, few["label"])
    changed = moved(network, model)
    assert changed and all(name.startswith("blocks.4.") for name in changed)


def test_a_chain_is_its_tasks_one_after_the_other(network, images, one_thread):
    from medgraft.methods.finetune.groups import make_policy

    few = images.iloc[:16]
    model = FineTune(network, **FAST, pretext="masked+rotation").fit(few, few["label"])
    assert list(model.report_["pretext"]["loss"]) == ["masked", "rotation"]
    backbone = network.load()
    policy = make_policy(
        [name for name, _ in backbone.module.blocks],
        unfreeze=0.5,
        gradual=0.0,
        epochs=1,
        lr=5e-4,
        lr_decay=1.0,
        head_lr=5e-4,
    )
    for task in ("masked", "rotation"):
        pretrain.pretrain(
            backbone,
            list(few["image"]),
            task,
            epochs=1,
            policy=policy,
            changes=True,
            batch_size=16,
            batchnorm="frozen",
            seed=0,
            device=torch.device("cpu"),
            tell=lambda done, total: None,
        )
    assert all(torch.equal(t, model.backbone_.tensors()[name]) for name, t in backbone.tensors().items())


def test_images_of_the_target_without_a_label_take_part_and_held_out_ones_do_not(
    network, images, monkeypatch
):
    few, labelled = images.iloc[:60], np.arange(60) < 56
    real, seen = pretrain.open_image, set()

    def witness(path, preprocess):
        seen.add(path)
        return real(path, preprocess)

    monkeypatch.setattr(pretrain, "open_image", witness)
    settings = FAST | {"validation": 0.2}
    model = FineTune(network, **settings, pretext="rotation")
    model.fit(few, few["label"], labelled=labelled, groups=few["patient"])
    assert model.report_["images"]["held_out"] >= 8
    assert len(seen) == model.report_["pretext"]["images"] == model.report_["images"]["train"] + 4
    assert set(few["image"][56:]) <= seen


def test_source_images_whose_label_may_not_be_used_are_not_read(network, images, monkeypatch):
    real, seen = pretrain.open_image, set()
    monkeypatch.setattr(pretrain, "open_image", lambda path, p: (seen.add(path), real(path, p))[1])
    few = images.iloc[:24]
    FineTune(network, **FAST, pretext="autoencoder").fit(
        few, few["label"], domain=np.repeat(["a", "b"], 12), target="b", labelled=np.arange(24) >= 8
    )
    assert seen == set(few["image"][8:])


def test_random_weights_can_learn_from_images_first(network, images, one_thread):
    few = images.iloc[:20]
    model = Scratch(network, epochs=0, pretext="rotation", pretext_epochs=1, validation=0.0, batch_size=16)
    model.fit(few, few["label"])
    running = [n for n in moved(network, model) if "running_mean" in n]
    assert running  # BatchNorm adapts where there is nothing to freeze
    assert not np.allclose(model.predict_proba(few), 0.5)  # the head was fitted


def test_a_network_of_one_block_has_no_map_to_read(network, images, monkeypatch):
    backbone = network.load()
    backbone.module._blocks = [("network", ("",))]
    from medgraft.methods.selfsup.rebuild import make_masked
    from medgraft.methods.selfsup.tasks import Unlabelled

    with pytest.raises(MedgraftError, match="several blocks"):
        make_masked(Unlabelled(backbone, lambda i: None, 1, True, 1, 0, "frozen"))
