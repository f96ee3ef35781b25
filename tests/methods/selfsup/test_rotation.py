"""Rotation, before and along with fine-tuning."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.penalties import Penalty
from medgraft.methods.selfsup.rotation import Auxiliary, Turned, turn
from sources.test_network import network as small_network

IMAGES = torch.arange(3 * 2 * 4 * 4).view(3, 2, 4, 4).to(torch.uint8)
FAST = {"epochs": 2, "batch_size": 16, "views": 1, "validation": 0.0, "augmentation": "none", "gradual": 0.0}


def test_every_image_comes_in_four_orientations():
    inputs = Turned(lambda i: IMAGES[i], 3, False, 32)
    got = inputs.get(np.array([4, 5, 6, 7]), None).numpy()
    for q in range(4):
        assert np.array_equal(got[q], np.rot90(IMAGES[1].numpy(), q, (1, 2)))


class Sum(Penalty):
    def of_batch(self, x, first, maps, features):
        return features.sum(dim=1)


def test_the_auxiliary_loss_is_the_mean_log_loss_of_the_quarters_by_hand():
    net = small_network().eval()
    net.release([1, 2])
    pixels = torch.randint(0, 256, (8, 3, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    penalty = Auxiliary(Sum(1.0), 0.5, 7)
    turned = Live(lambda i: turn(pixels[i // 4], i % 4), 32, False, 1)
    penalty.turned = Batches(turned, np.arange(32), np.arange(32) % 4, np.ones(32), 32, 0)
    penalty.begin(net, 1, penalty.turned, None)
    entered = net.trunk.prefix(pixels.float(), 1)
    _, maps, features = net.rest_with_map(entered, 1)
    got = penalty.of_batch(entered, 1, maps, features).detach().numpy()
    weight, bias = (p.detach().numpy() for p in penalty.layer.parameters())
    losses = []
    for q in range(4):  # the one batch holds every image in every orientation
        f = net.trunk(torch.from_numpy(np.rot90(pixels.numpy(), q, (2, 3)).copy())).detach().numpy()
        s = (f - net.head.mean.numpy()) / net.head.scale.numpy() @ weight.T + bias
        losses += (np.log(np.exp(s).sum(axis=1)) - s[:, q]).tolist()
    assert np.allclose(got, features.detach().numpy().sum(axis=1) + 0.5 * np.mean(losses), rtol=1e-4)


def test_its_gradient_reaches_the_released_blocks_and_its_own_layer_only():
    net = small_network().eval()
    net.release([2])
    penalty = Auxiliary(Penalty(0.0), 1.0, 0)
    turned = Live(lambda i: turn(IMAGES[i % 3].repeat(2, 1, 1)[:3].repeat(1, 2, 2), i % 4), 12, False, 1)
    penalty.turned = Batches(turned, np.arange(12), np.arange(12) % 4, np.ones(12), 12, 0)
    penalty.begin(net, 2, penalty.turned, None)
    features = torch.zeros(1, net.head.mean.numel())
    penalty.of_batch(features, 2, features, features).sum().backward()
    touched = {name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()}
    released = {id(p) for p in net.block_weights(2)}
    assert touched and {id(p) for n, p in net.named_parameters() if n in touched} <= released
    assert all(p.grad is not None and p.grad.any() for p in penalty.weights())


def test_without_weight_the_auxiliary_task_is_fine_tuning(network, images, one_thread):
    """One whole batch against pieces: the same up to the order of sums."""
    few = images.iloc[:24]
    plain = FineTune(network, **FAST).fit(few, few["label"])
    none = FineTune(network, **FAST, auxiliary="rotation", auxiliary_weight=0.0).fit(few, few["label"])
    some = FineTune(network, **FAST, auxiliary="rotation").fit(few, few["label"])
    p = plain.predict_proba(images)
    assert np.allclose(none.predict_proba(images), p, atol=1e-3)
    assert not np.allclose(some.predict_proba(images), p, atol=1e-3)
    assert some.report_["auxiliary"] == "rotation"


def test_the_auxiliary_task_goes_with_a_penalty(network, images, one_thread):
    few = images.iloc[:24]
    both = {"auxiliary": "rotation", "penalty": "l2-sp", "strength": 1e3, "weight_decay": 0.0}
    held = FineTune(network, **FAST, **both).fit(few, few["label"])
    free = FineTune(network, **FAST, auxiliary="rotation", weight_decay=0.0).fit(few, few["label"])
    old = network.load().tensors()

    def moved(model):
        new = model.backbone_.tensors()
        return sum(float((new[n] - old[n]).norm()) for n in old if old[n].is_floating_point())

    assert 0 < moved(held) < moved(free)


@pytest.mark.parametrize("unfreeze", [0.5, 1.0])
def test_unlabelled_images_teach_the_auxiliary_task(network, images, one_thread, unfreeze):
    few, labelled = images.iloc[:30], np.arange(30) < 20
    settings = FAST | {"auxiliary": "rotation", "unfreeze": unfreeze}
    alone = FineTune(network, **settings).fit(few.iloc[:20], few["label"][:20])
    more = FineTune(network, **settings).fit(few, few["label"], labelled=labelled)
    assert not np.allclose(alone.predict_proba(few), more.predict_proba(few), atol=1e-6)
