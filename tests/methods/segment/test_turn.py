from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.methods.segment.turn import turned


@pytest.mark.parametrize("shape", [(64, 48), (24, 32, 20)])
def test_a_mask_turns_along_with_its_sample(shape):
    codes = torch.zeros(3, *shape, dtype=torch.uint8)
    codes[(slice(None), *(slice(n // 4, n // 2) for n in shape))] = 1
    x, masks = turned(255.0 * codes[:, None], codes, np.random.default_rng(0), flip=True, white=255.0)
    assert not torch.equal(masks, codes)
    for sample, mask in zip(x[:, 0], masks, strict=True):
        middle = (sample.max() + sample.min()) / 2  # grey levels move
        assert ((sample > middle) != (mask == 1)).float().mean() < 0.01  # but for voxels cut in two


def test_shapes_keep_their_size_in_pixels_whatever_the_sides_of_the_sample():
    codes = torch.zeros(20, 96, 32, dtype=torch.uint8)
    codes[:, 38:58, 6:26] = 1  # a square far from the border of a long image
    _, masks = turned(codes[:, None].float(), codes, np.random.default_rng(0), flip=False, white=1.0)
    for mask in masks:
        area, places = mask.sum().item(), np.argwhere(mask.numpy())
        spread = np.linalg.eigvalsh(np.cov(places.T))
        assert 0.8 < area / 400 < 1.25 and spread[1] / spread[0] < 1.1  # zoomed, but square still


def test_only_a_mirror_that_is_wanted_is_used():
    codes = torch.zeros(32, 32, 32, dtype=torch.uint8)
    codes[:, :, :8] = 1  # a left side
    _, kept = turned(codes[:, None].float(), codes, np.random.default_rng(0), flip=False, white=1.0)
    assert (kept[:, 8:24, :16].sum((1, 2)) > kept[:, 8:24, 16:].sum((1, 2))).all()
    _, some = turned(codes[:, None].float(), codes, np.random.default_rng(0), flip=True, white=1.0)
    right = (some[:, 8:24, 16:].sum((1, 2)) > some[:, 8:24, :16].sum((1, 2))).float().mean()
    assert 0.2 < right < 0.8


def test_inputs_stay_as_they_are_and_the_seed_decides():
    x, codes = torch.rand(2, 1, 16, 16), torch.ones(2, 16, 16, dtype=torch.uint8)
    copy = x.clone()
    first, again = (turned(x, codes, np.random.default_rng(5), flip=True, white=1.0)[0] for _ in range(2))
    assert torch.equal(x, copy) and torch.equal(first, again)
    assert first.min() >= 0 and first.max() <= 1
