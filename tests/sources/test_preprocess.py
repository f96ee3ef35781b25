"""Images to tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from medgraft.sources.preprocess import Preprocess


def test_an_image_of_the_right_size_is_copied_pixel_by_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = Preprocess(8, 3, "bilinear")(Image.fromarray(pixels))
    assert out.dtype == torch.uint8
    assert np.array_equal(out.permute(1, 2, 0).numpy(), pixels)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_image_gets_the_asked_channels_and_size(mode, channels):
    out = Preprocess(16, channels, "bicubic")(Image.new(mode, (50, 20)))
    assert out.shape == (channels, 16, 16)


def test_grey_becomes_three_equal_channels():
    out = Preprocess(4, 3, "bilinear")(Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4)))
    assert torch.equal(out[0], out[1])
    assert torch.equal(out[0], out[2])
    assert out[0].flatten().tolist() == list(range(16))


def test_nothing_is_cropped():
    wide = np.zeros((10, 100), dtype=np.uint8)
    wide[:, :10] = 255  # a finding at the very border
    assert Preprocess(10, 1, "bilinear")(Image.fromarray(wide))[0, :, 0].min() > 200


def test_the_key_changes_with_every_setting():
    settings = [(8, 3, "bilinear"), (9, 3, "bilinear"), (8, 1, "bilinear"), (8, 3, "bicubic")]
    assert len({Preprocess(*s).key for s in settings}) == 4
