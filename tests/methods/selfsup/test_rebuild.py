"""Reconstruction of hidden patches and of whole images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.methods.finetune.batches import Live
from medgraft.methods.selfsup.rebuild import Rebuilt, squared_error
from medgraft.networks.decoder import BottleneckDecoder, PatchDecoder, as_grid
from medgraft.sources.trunk import Trunk

PIXELS = torch.randint(0, 256, (5, 3, 16, 16), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def batches(patches, t=8, seed=0):
    trunk = Trunk(torch.nn.Flatten(), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), 16)
    return Rebuilt(Live(lambda i: PIXELS[i], 5, False, 1), 5, 8, seed, trunk, t, patches)


def test_hidden_patches_are_grey_and_all_else_is_as_it_was():
    fit = batches(4)
    order = np.random.default_rng([0, 0]).permutation(5)
    x, y, w = next(iter(fit))
    assert x.shape == (5, 3, 16, 16) and y.shape == (5, 4, 8, 8) and w.tolist() == [1.0] * 5
    grey = np.array([0.4, 0.5, 0.6], dtype=np.float32) * 255
    for image, target, i in zip(x.numpy(), y.numpy(), order, strict=True):
        assert target[3].sum() == 10 * 4  # 10 of 16 patches, each of 2 x 2 predicted pixels
        for a in range(4):
            for b in range(4):
                patch = image[:, 4 * a : 4 * a + 4, 4 * b : 4 * b + 4]
                hidden = target[3, 2 * a : 2 * a + 2, 2 * b : 2 * b + 2]
                assert hidden.min() == hidden.max()
                was = PIXELS[i].numpy()[:, 4 * a : 4 * a + 4, 4 * b : 4 * b + 4]
                assert np.allclose(patch, grey[:, None, None] if hidden[0, 0] else was, atol=1e-3)


def test_the_target_holds_normalised_pixels_averaged_down():
    _, y, _ = next(iter(batches(0, t=4)))
    order = np.random.default_rng([0, 0]).permutation(5)
    mean, std = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.3, 0.4])
    for target, i in zip(y.numpy(), order, strict=True):
        normal = (PIXELS[i].numpy() / 255 - mean[:, None, None]) / std[:, None, None]
        small = normal.reshape(3, 4, 4, 4, 4).mean(axis=(2, 4))
        assert np.allclose(target[:3], small, atol=1e-4) and (target[3] == 1).all()


def test_each_epoch_hides_other_patches_and_each_patch_about_as_often():
    fit, often = batches(4), np.zeros((8, 8))
    first, second = (next(iter(fit))[1][:, 3] for _ in range(2))
    assert not torch.equal(first, second)
    for _ in range(200):
        often += next(iter(fit))[1][:, 3].sum(dim=0).numpy()
    assert np.abs(often / 1000 - 10 / 16).max() < 5 * np.sqrt(10 / 16 * 6 / 16 / 1000)


def test_the_loss_is_the_mean_over_hidden_pixels_by_hand():
    rng = np.random.default_rng(0)
    said, target = rng.normal(size=(2, 3, 4, 4)), rng.normal(size=(2, 4, 4, 4))
    target[:, 3] = rng.random((2, 4, 4)) < 0.5
    got = squared_error(torch.from_numpy(said), torch.from_numpy(target))
    for i in range(2):
        at = target[i, 3] == 1
        assert float(got[i]) == pytest.approx(((said[i] - target[i, :3])[:, at] ** 2).mean(), rel=1e-5)


def test_a_patch_is_told_from_its_own_place_of_the_map_only():
    torch.manual_seed(0)
    decoder, maps = PatchDecoder(5, 3, 4), torch.randn(1, 5, 3, 3)
    before = decoder(maps)
    assert before.shape == (1, 3, 12, 12)
    maps[0, :, 1, 2] += 1.0
    changed = (decoder(maps) != before)[0].any(dim=0)
    assert changed[4:8, 8:12].all() and int(changed.sum()) == 16


def test_tokens_and_channels_that_come_last_are_seen_as_a_grid():
    grid = torch.randn(2, 6, 3, 3)
    tokens = torch.cat([torch.zeros(2, 1, 6), grid.flatten(2).transpose(1, 2)], dim=1)
    assert torch.equal(as_grid(grid, 6), grid)
    assert torch.equal(as_grid(tokens, 6), grid)
    assert torch.equal(as_grid(grid.movedim(1, -1), 6), grid)


def test_nothing_but_the_bottleneck_reaches_the_pixels():
    decoder = BottleneckDecoder(100, 3, z=2)
    features = torch.randn(1, 100, requires_grad=True)
    row = torch.autograd.functional.jacobian(lambda f: decoder(f)[0].flatten()[:50], features)
    assert torch.linalg.matrix_rank(row.reshape(50, 100), rtol=1e-4) <= 2
