"""Augmentation changes images a little, and nothing else."""

from __future__ import annotations

import numpy as np
import torch

from medgraft.methods.finetune.augment import augment


def draw(images, seed=0):
    return augment(images, np.random.default_rng(seed))


def test_an_even_image_stays_even_and_its_grey_level_within_ten_percent():
    out = draw(torch.full((200, 3, 16, 16), 128, dtype=torch.uint8))
    level = out[:, 0, 0, 0]
    assert torch.allclose(out, level.view(-1, 1, 1, 1).expand_as(out), atol=1e-3)
    assert level.min() >= 128 * 0.9 - 25.5 - 1e-3
    assert level.max() <= 128 * 1.1 + 25.5 + 1e-3
    assert level.std() > 5


def test_values_stay_in_range():
    images = torch.randint(0, 256, (50, 3, 16, 16), dtype=torch.uint8)
    out = draw(images)
    assert out.min() >= 0
    assert out.max() <= 255


def test_half_of_the_images_are_mirrored_and_none_stands_on_its_head():
    image = torch.zeros(1, 1, 32, 32)
    image[..., 4:12, 4:12] = 255  # upper left
    out = draw(image.expand(400, -1, -1, -1))[:, 0]
    out = out - out.amin(dim=(1, 2), keepdim=True)
    left = out[:, :, :16].sum(dim=(1, 2)) > out[:, :, 16:].sum(dim=(1, 2))
    upper = out[:, :16].sum(dim=(1, 2)) > out[:, 16:].sum(dim=(1, 2))
    assert upper.all()
    assert 0.4 < left.float().mean() < 0.6


def test_a_centred_disc_moves_by_no_more_than_the_shift():
    y, x = np.mgrid[:65, :65] - 32
    disc = torch.from_numpy(((x**2 + y**2) < 100) * 200.0).float()[None, None]
    out = draw(disc.expand(100, -1, -1, -1))[:, 0].double()
    out = (out - out.amin(dim=(1, 2), keepdim=True)).clamp(min=0)
    mass = out.sum(dim=(1, 2))
    for axis, grid in ((1, y), (2, x)):
        centre = (out * torch.from_numpy(grid)).sum(dim=(1, 2)) / mass
        assert centre.abs().max() < 0.05 * 65 * 1.12 + 0.5, axis
        assert centre.std() > 0.5


def test_the_same_seed_gives_the_same_images_and_inputs_stay():
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    before = images.clone()
    assert torch.equal(draw(images), draw(images))
    assert not torch.equal(draw(images), draw(images, 1))
    assert torch.equal(images, before)
