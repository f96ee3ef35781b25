"""Methods on volumes: a 3-D network on the whole, or a 2-D network on slices."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.finetune.augment import augment
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.sources import Pretrained
from medgraft.sources.network import Head, Network
from samples import network_file


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """24 volumes of 12 patients: a bar that lies along x or along y."""
    folder = tmp_path_factory.mktemp("scans")
    rng, rows = np.random.default_rng(0), []
    for i in range(24):
        v = rng.uniform(20, 60, (16, 16, 12)).astype(np.float32)
        where = rng.integers(4, 10, 2)
        if i % 2:
            v[2:14, where[0] : where[0] + 3, 3:9] += 150
        else:
            v[where[0] : where[0] + 3, 2:14, 3:9] += 150
        path = folder / f"{i:02d}.nii"
        nib.save(nib.Nifti1Image(v, np.eye(4)), path)
        rows.append(
            {"volume": str(path), "label": ["y", "x"][i % 2], "size": float(v.mean()), "who": f"p{i // 2}"}
        )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    path = network_file(tmp_path_factory.mktemp("w") / "small.safetensors")
    return Pretrained(str(path), volume="slices=2")


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    from safetensors.torch import save_file

    from medgraft.networks.resnet3d import ResNet3d

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("w") / "deep.safetensors"
    facts = {"library": "medgraft", "architecture": "resnet3d_10", "model_args": '{"width": 4}'}
    save_file(ResNet3d(10, width=4).state_dict(), path, metadata=facts)
    return Pretrained(str(path), volume="size=16")


def sources(name, request):
    return request.getfixturevalue(name)


@pytest.mark.parametrize("name", ["flat", "deep"])
def test_features_of_volumes_are_kept_and_are_those_of_the_network(name, scans, request):
    source = sources(name, request)
    first = BackboneFeatures(source).fit().transform(scans)
    backbone = source.load()
    with torch.inference_mode():
        truth = backbone.module(torch.stack([backbone.preprocess.open(p) for p in scans["volume"]]))
    np.testing.assert_allclose(first, truth.numpy(), rtol=1e-4, atol=1e-5)
    order = np.random.default_rng(1).permutation(len(scans))
    np.testing.assert_array_equal(BackboneFeatures(source).transform(scans.iloc[order]), first[order])


@pytest.mark.parametrize("name", ["flat", "deep"])
@pytest.mark.parametrize("kind", ["linear-probe", "finetune", "scratch", "value"])
def test_every_network_method_reads_volumes_and_is_rebuilt_to_the_last_bit(name, kind, scans, request):
    source = sources(name, request)
    brief = {"epochs": 1, "batch_size": 12, "views": 2}
    if kind == "linear-probe":
        made = LinearProbe(source)
    elif kind == "scratch":
        made = Scratch(source, epochs=1, batch_size=12)
    else:
        made = FineTune(source, task="regression" if kind == "value" else "classification", **brief)
    y = scans["size"] if kind == "value" else scans["label"]
    made.fit(scans, y, groups=scans["who"])
    out = made.predict(scans) if kind == "value" else made.predict_proba(scans)
    assert np.isfinite(out).all() and out.std() > 0
    again = type(made).from_state(*made.state())
    np.testing.assert_array_equal(again.predict(scans), made.predict(scans))
    rows = np.array([7, 2, 11])
    some = again.predict(scans.iloc[rows]) if kind == "value" else again.predict_proba(scans.iloc[rows])
    np.testing.assert_allclose(some, out[rows], rtol=1e-6)  # a sum of the head may end otherwise
    images = scans.rename(columns={"volume": "image"})
    with pytest.raises(MedgraftError, match="fitted on volumes, and these are images"):
        again.predict(images)


@pytest.mark.parametrize("name", ["flat", "deep"])
def test_kept_activations_of_volumes_train_to_the_same_losses(name, scans, request, monkeypatch):
    from medgraft.methods.finetune import stages

    curves = []
    for place in (True, False):
        if not place:
            monkeypatch.setattr(stages, "room_for", lambda *a: (0, ""))
        made = FineTune(sources(name, request), epochs=2, augmentation="none", unfreeze=0.4, batch_size=12)
        made.fit(scans, scans["label"], groups=scans["who"])
        curves.append(made.report_["loss_train"] + made.report_["loss_held_out"])
    np.testing.assert_allclose(curves[0], curves[1], atol=1e-4)


@pytest.mark.parametrize("name", ["flat", "deep"])
def test_the_plan_names_the_room_for_the_activations_of_frozen_blocks(name, scans, request):
    plan = FineTune(sources(name, request), epochs=1, views=2).plan(10, 5)
    assert plan["prefix_cache"]["place"] == "memory" and plan["prefix_cache"]["bytes"] > 0
    assert plan["cpu_seconds"] > 0


def test_volumes_that_pass_in_turn_have_the_gradient_of_all_at_once(flat):
    """Where memory is short a step adds up parts; with frozen BatchNorm the sum is the whole."""
    from medgraft.methods.finetune.groups import make_policy
    from medgraft.methods.finetune.loop import Recipe
    from medgraft.methods.finetune.objective import make_loss
    from medgraft.methods.finetune.penalties import Penalty
    from medgraft.methods.finetune.step import Step

    backbone = flat.load()
    torch.manual_seed(0)
    network = Network(backbone.module, Head(backbone.d, 2))
    network.release(range(len(network.trunk.blocks)))
    network.train()
    x = torch.randint(0, 256, (6, 2, 3, 32, 32), dtype=torch.uint8)
    y, w = torch.tensor([0, 1, 0, 1, 1, 0]), torch.rand(6) + 0.5
    names = [name for name, _ in network.trunk.blocks]
    policy = make_policy(names, unfreeze=1.0, gradual=0.0, epochs=1, lr=1.0, lr_decay=1.0, head_lr=1.0)
    recipe = Recipe(policy, make_loss("auto", y.numpy(), w.numpy(), 2), Penalty(0.0), 1, 1)
    grads = []
    for most in (0, 4):
        network.trunk.whole = most
        network.zero_grad()
        loss = Step(network, recipe, 0).gradient((x, y, w), np.random.default_rng(0))
        grads.append((loss, [p.grad.clone() for p in network.parameters() if p.grad is not None]))
    assert grads[0][0] == pytest.approx(grads[1][0], rel=1e-5)
    for a, b in zip(grads[0][1], grads[1][1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_slices_of_a_volume_change_together():
    plane = torch.randint(0, 256, (3, 1, 1, 20, 20), dtype=torch.uint8)
    out = augment(plane.expand(3, 4, 1, 20, 20), np.random.default_rng(0))
    assert out.shape == (3, 4, 1, 20, 20) and not torch.equal(out[:, 0], plane[:, 0].float())
    for k in range(1, 4):
        assert torch.equal(out[:, k], out[:, 0])


def test_a_changed_volume_is_still_the_same_organ_at_about_its_place():
    """A ball in the middle stays one: its mean place moves by 5 % at most, and its values by little."""
    grid = np.stack(np.meshgrid(*[np.arange(24) - 11.5] * 3, indexing="ij"))
    ball = torch.tensor((np.sqrt((grid**2).sum(0)) < 5).astype(np.float32))[None, None]
    seen = []
    for seed in range(8):
        out = augment(ball, np.random.default_rng(seed))[0, 0].numpy()
        inside = out - out.min()
        place = (grid * inside).sum(axis=(1, 2, 3)) / inside.sum()
        assert np.abs(place).max() <= 0.05 * 24 * 1.2 + 0.1
        size = (inside > inside.max() / 2).sum() / ball.numpy().sum()
        assert 0.9**3 * 0.8 < size < 1.1**3 / 0.8
        seen.append(place)
    assert np.ptp(seen, axis=0).min() > 0.2  # it moves along every axis


def test_only_the_right_side_is_mirrored():
    ramp = torch.arange(20.0)[None, None, :, None, None].expand(1, 1, 20, 20, 20)
    signs = {x: set() for x in range(3)}
    for seed in range(12):
        for axis in range(3):
            out = augment(ramp.transpose(2, 2 + axis).contiguous(), np.random.default_rng(seed))[0, 0]
            middle = [slice(8, 12)] * 3
            low, high = middle.copy(), middle.copy()
            low[axis], high[axis] = slice(4, 6), slice(14, 16)
            signs[axis].add(bool(out[tuple(high)].mean() > out[tuple(low)].mean()))
    assert signs == {0: {True, False}, 1: {True}, 2: {True}}


def test_self_supervision_on_volumes_is_refused_in_one_sentence(scans, flat):
    with pytest.raises(MedgraftError, match="Self-supervision is for images"):
        FineTune(flat, pretext="rotation").fit(scans, scans["label"])
