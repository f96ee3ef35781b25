"""Pictures as masks: whatever a tool for outlining writes becomes the same whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample

VALUES = np.array([[0, 0, 1], [2, 1, 0]], np.uint8)


def _saved(path, image, **options):
    image.save(path, **options)
    return open_sample("mask", str(path))


def test_grey_palette_and_equal_colours_give_the_same_numbers(tmp_path):
    palette = Image.fromarray(VALUES, "P")
    palette.putpalette([0, 0, 0, 200, 30, 30, 10, 250, 10])
    saved = {
        "grey.png": Image.fromarray(VALUES),
        "palette.png": palette,
        "deep.png": Image.fromarray(VALUES.astype(np.uint16)),
        "float.tif": Image.fromarray(VALUES.astype(np.float32)),
        "rgb.bmp": Image.fromarray(np.repeat(VALUES[..., None], 3, axis=2)),
        "rgba.png": Image.fromarray(np.dstack([VALUES] * 3 + [np.full_like(VALUES, 255)])),
    }
    for name, image in saved.items():
        found = _saved(tmp_path / name, image)
        assert found.dtype == np.int64 and found.tolist() == VALUES.tolist(), name


def test_a_picture_of_one_bit_is_0_and_1(tmp_path):
    assert _saved(tmp_path / "bit.png", Image.fromarray(VALUES > 0)).tolist() == (VALUES > 0).tolist()


def test_a_mask_is_turned_as_its_image_is(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn
    Image.fromarray(VALUES).save(tmp_path / "a.png", exif=turned)
    image, mask = (open_sample(kind, str(tmp_path / "a.png")) for kind in ("image", "mask"))
    assert mask.shape == (3, 2) and np.asarray(image).tolist() == mask.tolist()


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("a.jpg", lambda: Image.fromarray(VALUES), "is a JPEG"),
        ("a.png", lambda: Image.fromarray(np.dstack([VALUES, VALUES, VALUES + 1])), "in colours"),
        ("a.tif", lambda: Image.fromarray(VALUES + np.float32(0.5)), "no whole numbers"),
    ],
)
def test_what_is_no_map_of_classes_is_refused_with_its_name(tmp_path, name, make, said):
    with pytest.raises(MedgraftError, match=said) as caught:
        _saved(tmp_path / name, make())
    assert name in str(caught.value)
