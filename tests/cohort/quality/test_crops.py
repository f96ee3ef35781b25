"""Crops find what was planted, commute with flips, and say when they find nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from medgraft.cohort import quality

SMALL = settings(max_examples=30, deadline=None)
Y, X = np.mgrid[:200, :240].astype(float)
NOISE = np.random.default_rng(0).normal(size=Y.shape)


def picture(values):
    return np.clip(values + 2 * NOISE[: values.shape[0], : values.shape[1]], 0, 255).astype(np.uint8)


def eye(cy=100, cx=110, ry=80.0, rx=80.0):
    far = np.hypot((Y - cy) / ry, (X - cx) / rx)
    return picture(np.where(far < 1, 150 - 60 * far, 2))


def head(cy=105, cx=120):
    far = np.hypot((Y - cy) / 70, (X - cx) / 55)
    return picture(np.select([far < 0.85, far < 1], [80 + 20 * np.sin(Y / 6), 200], 3))


def chest(left=(75, 70), right=(165, 70), shade=60):
    """Body with two dark lungs; the ground is dark too."""
    body = np.where(np.abs(X - 120) < 105, 170.0, 10.0)
    for cx, size in ((left[0], left[1]), (right[0], right[1])):
        body = np.where(np.hypot((Y - 95) / size, (X - cx) / 32) < 1, shade, body)
    return picture(gaussian_filter(body, 3))


@SMALL
@given(
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 6),
    st.sampled_from([np.uint8, np.uint16, np.float64]),
    st.booleans(),
)
def test_a_planted_border_is_found_to_the_pixel(top, bottom, left, right, dtype, colour):
    inside = np.full((20, 30, 3) if colour else (20, 30), 90, dtype)
    inside[5:9, 3:8] = 0  # black within is no border
    inside[0, 0] = inside[-1, -1] = 200
    framed = np.pad(inside, ((top, bottom), (left, right)) + ((0, 0),) * colour)
    box = quality.find_border(framed)
    assert (box.top, box.left) == (top, left) and box.found
    assert (box.bottom, box.right) == (top + 20, left + 30)
    assert (quality.crop_border(framed) == inside).all()


@SMALL
@given(st.integers(0, 2**32 - 1))
def test_cropping_the_border_twice_is_cropping_it_once(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 40, rng.integers(1, 30, 2)).astype(np.uint8)
    image[rng.random(image.shape) < 0.95] = 0
    once = quality.crop_border(image, specks=0.05)
    assert (quality.crop_border(once, specks=0.05).shape) == once.shape


def test_jpeg_noise_and_specks_do_not_hide_a_border(tmp_path):
    framed = np.zeros((120, 140), np.uint8)
    framed[16:104, 24:120] = 160
    framed[3, 5] = 255
    Image.fromarray(framed).save(tmp_path / "a.jpg", quality=85)
    box = quality.find_border(np.asarray(Image.open(tmp_path / "a.jpg")))
    assert (box.top, box.left, box.bottom, box.right) == (16, 24, 104, 120)


def test_a_black_image_is_left_whole_with_the_reason():
    box = quality.find_border(np.zeros((5, 6), np.uint8))
    assert not box.found and box.reason == "the image is black"
    assert quality.crop_border(np.zeros((5, 6), np.uint8)).shape == (5, 6)


def test_the_field_of_a_fundus_is_found():
    box = quality.find_fundus(eye())
    assert np.abs(np.array([box.top, box.bottom, box.left, box.right]) - [20, 180, 30, 190]).max() <= 2
    wide = quality.find_fundus(eye(), margin=0.05)
    assert (wide.top, wide.bottom) == (box.top - 8, box.bottom + 8)


def test_a_field_cut_off_above_and_below_keeps_its_width():
    box = quality.find_fundus(eye(ry=105, rx=105))
    assert (box.top, box.bottom) == (0, 200) and abs(box.left - 5) <= 2 and abs(box.right - 215) <= 2


def test_a_squeezed_field_is_found_as_an_ellipse():
    box = quality.find_fundus(eye(ry=85, rx=60))
    assert np.abs(np.array([box.top, box.bottom, box.left, box.right]) - [15, 185, 50, 170]).max() <= 2


def test_shadow_and_notch_do_not_move_the_field():
    image = eye().astype(float)
    image[X > 150] = np.minimum(image[X > 150], 2)  # a quarter of the field in shadow
    image[18:26, 180:186] = 150  # a mark outside of it
    box = quality.find_fundus(picture(image))
    assert np.abs(np.array([box.top, box.bottom, box.left, box.right]) - [20, 180, 30, 190]).max() <= 6


def test_what_is_outside_of_the_field_can_be_painted_black():
    image = eye()
    image[150:156, 30:36] = 200
    out = quality.crop_fundus(image, outside=True)
    box = quality.find_fundus(image)
    assert out[150 - box.top : 156 - box.top, 30 - box.left : 36 - box.left].max() <= 5
    assert out[80, 80] == image[80 + box.top, 80 + box.left]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (picture(np.full((100, 100), 150.0)), "the corners are not dark"),
        (picture(np.zeros((100, 100))), "too little of the image is lit"),
        (
            picture(np.where((np.abs(Y - 100) < 50) & (np.abs(X - 120) < 100), 150.0, 0)),
            "what is lit is not round",
        ),
    ],
)
def test_without_a_round_field_the_image_is_left_whole_with_the_reason(image, reason):
    box = quality.find_fundus(image)
    assert box.reason == reason and quality.crop_fundus(image).shape == image.shape


def test_the_head_is_found_beside_a_bright_line_and_a_speck():
    image = head()
    image[196:199, :] = 255
    image[5:9, 5:9] = 255
    box = quality.find_brain(image, margin=0.0)
    assert np.abs(np.array([box.top, box.bottom, box.left, box.right]) - [35, 175, 65, 175]).max() <= 4
    assert quality.find_brain(np.full((50, 50), 9, np.uint8)).reason == "the image is of one value"


def test_both_lungs_are_found_and_nothing_of_them_is_cut():
    box = quality.find_lungs(chest(), margin=0.05)
    assert box.found
    assert box.top <= 25 and box.bottom >= 165 and box.left <= 43 and box.right >= 197
    assert box.top >= 8 and box.bottom <= 182 and box.left >= 25 and box.right <= 215


@pytest.mark.parametrize(
    "image", [chest(shade=168), chest(left=(75, 5)), head(), picture(np.full((200, 240), 90.0))]
)
def test_without_two_lungs_the_image_is_left_whole_with_the_reason(image):
    box = quality.find_lungs(image)
    assert "lungs" in box.reason and quality.crop_lungs(image).shape == image.shape


@pytest.mark.parametrize(
    ("find", "image", "slack"),
    [
        (quality.find_border, np.pad(head(), ((3, 9), (17, 1))), 0),
        (quality.find_fundus, eye(), 1),
        (quality.find_fundus, eye(cx=90, ry=105, rx=105), 1),
        (quality.find_brain, head(), 1),
        (quality.find_lungs, chest(right=(168, 60)), 2),
    ],
)
@pytest.mark.parametrize("axis", [0, 1])
def test_cropping_commutes_with_flipping(find, image, slack, axis):
    a, b = find(image), find(np.flip(image, axis))
    h, w = image.shape[:2]
    assert a.found
    mirrored = (
        (h - b.bottom, b.left, h - b.top, b.right)
        if axis == 0
        else (b.top, w - b.right, b.bottom, w - b.left)
    )
    assert np.abs(np.subtract((a.top, a.left, a.bottom, a.right), mirrored)).max() <= slack


@pytest.mark.parametrize("find", [quality.find_fundus, quality.find_brain, quality.find_lungs])
@pytest.mark.parametrize("scale", [0.5, 3])
def test_boxes_scale_with_the_image(find, scale):
    image = {quality.find_fundus: eye, quality.find_brain: head, quality.find_lungs: chest}[find]()
    size = (round(240 * scale), round(200 * scale))
    other = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    a, b = find(image), find(other)
    expected = scale * np.array([a.top, a.left, a.bottom, a.right])
    assert np.abs(expected - [b.top, b.left, b.bottom, b.right]).max() <= 0.03 * max(size)


@pytest.mark.parametrize(
    "find", [quality.find_border, quality.find_fundus, quality.find_brain, quality.find_lungs]
)
def test_depth_and_colour_of_the_file_do_not_move_the_box(find):
    image = {quality.find_fundus: eye, quality.find_lungs: chest}.get(find, head)()
    image[100, 120] = 255  # so that the range is the same for all
    image[0, 0] = 0
    boxes = [
        find(image),
        find(image.astype(np.uint16) * 16),
        find(image / 255.0),
        find(np.repeat(image[..., None], 3, axis=2)),
    ]
    edges = np.array([[b.top, b.left, b.bottom, b.right] for b in boxes])
    assert np.ptp(edges, axis=0).max() <= 1


def _shares(find, files):
    boxes, shares = [], []
    for file in files:
        image = np.asarray(Image.open(file).convert("RGB"))
        boxes.append(find(image))
        shares.append(
            (boxes[-1].bottom - boxes[-1].top) * (boxes[-1].right - boxes[-1].left) / image[..., 0].size
        )
    return boxes, np.array(shares)


def test_real_fundus_photographs_keep_their_field(shared_data):
    files = sorted(shared_data("eye_fundus_4class").rglob("*.jp*g"))[::12]
    boxes, shares = _shares(quality.find_fundus, files)
    assert np.mean([b.found for b in boxes]) > 0.9 and shares.min() > 0.6
    for file, box in zip(files, boxes, strict=True):
        image = np.asarray(Image.open(file).convert("L")).astype(float)
        assert box.of(image).sum() > 0.99 * image.sum()


def test_real_brain_slices_keep_nearly_all_that_is_bright(shared_data):
    files = sorted(shared_data("brain_mri_4class").rglob("*.jpg"))[::25]
    boxes, shares = _shares(quality.find_brain, files)
    assert all(b.found for b in boxes) and 0.6 < np.median(shares) < 0.9
    for file, box in zip(files, boxes, strict=True):
        image = np.asarray(Image.open(file).convert("L")).astype(float)
        image[image < 25] = 0
        assert box.of(image).sum() > 0.95 * image.sum()


def test_real_chest_films_of_children_are_cropped_in_nine_of_ten_cases(shared_data):
    files = sorted(shared_data("cxr_pneumonia_kermany").rglob("*.jp*g"))[::12]
    boxes, shares = _shares(quality.find_lungs, files)
    found = np.array([b.found for b in boxes])
    assert found.mean() > 0.85 and 0.55 < np.median(shares[found]) < 0.85


def test_hairy_skin_is_told_from_bare_skin(shared_data):
    folder = shared_data("ham10000") / "images"
    files = sorted(folder.glob("*.jpg"))[::18]
    shares = np.array([quality.hair(np.asarray(Image.open(f))).mean() for f in files])
    assert np.median(shares) < 0.02 and shares.max() > 0.05
