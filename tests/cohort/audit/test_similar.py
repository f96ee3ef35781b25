"""Small copies, their hashes, and what is alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from medgraft.base import MedgraftError
from medgraft.cohort.audit import similar
from medgraft.cohort.audit.sketch_image import SIDE, sketch
from medgraft.cohort.audit.sketches import Sketch, area_means, sketch_of


def sketch_with(values, alike=0.995, shape=None):
    n = len(values)
    return Sketch(np.arange(n), values, pd.DataFrame(index=range(n)), {}, np.zeros(0, int), alike, shape)


def pair_with_correlation(r, d, rng):
    """Return two vectors of mean 0 and length 1 whose correlation is r."""
    q, _ = np.linalg.qr(np.stack([np.ones(d), *rng.normal(size=(2, d))], axis=1))
    a, b = q[:, 1], q[:, 2]
    return a, r * a + np.sqrt(1 - r**2) * b


def test_two_samples_differ_in_arccos_r_over_pi_of_the_bits():
    rng = np.random.default_rng(0)
    for r in (0.5, 0.9, 0.995):
        shares = []
        for _ in range(60):
            values = np.stack(pair_with_correlation(r, 2304, rng)).astype(np.float32)
            hashes = similar._hashes(similar._Standard(sketch_with(values)))
            shares.append(sum((x ^ y).bit_count() for x, y in zip(*hashes.tolist(), strict=True)) / 128)
        assert np.mean(shares) == pytest.approx(np.arccos(r) / np.pi, abs=0.012)


def test_the_pairs_and_correlations_are_those_of_numpy():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(120, 2304))
    near = base[:30] + rng.uniform(0, 0.2, (30, 1)) * rng.normal(size=(30, 2304))
    values = (60 * np.concatenate([base, near]) + 128).clip(0, 255).astype(np.uint8)
    r = np.corrcoef(values)
    want = np.argwhere(np.triu(r > 0.995, 1))
    found = similar.near_copies(sketch_with(values))
    assert found.pairs.tolist() == want.tolist() and 0 < len(want) < 30
    np.testing.assert_allclose(found.correlation, r[want[:, 0], want[:, 1]], atol=1e-5)
    beyond = values - values.mean(axis=1, keepdims=True)
    beyond /= np.linalg.norm(beyond, axis=1, keepdims=True)
    beyond = np.corrcoef(beyond - beyond.mean(axis=0))
    np.testing.assert_allclose(found.beyond, beyond[want[:, 0], want[:, 1]], atol=1e-4)


def test_constant_samples_are_alike_to_nothing():
    values = np.full((5, 2304), 77, np.uint8)
    assert len(similar.near_copies(sketch_with(values)).pairs) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_no_sample_or_one_has_no_copy(n):
    made = sketch_with(np.ones((n, 2304), np.uint8), shape=(SIDE, SIDE))
    assert len(similar.near_copies(made).pairs) == 0
    assert all(len(alike.pairs) == 0 for _, alike in similar.turned_copies(made))


def test_every_way_to_turn_an_image_is_found_and_named():
    rng = np.random.default_rng(2)
    pictures = [gaussian_filter(rng.normal(size=(48, 48)), 3, mode="wrap") for _ in range(30)]
    turns = [np.fliplr, np.flipud, np.rot90, lambda a: np.rot90(a, 2), lambda a: np.rot90(a, 3), np.transpose]
    turns.append(lambda a: np.rot90(a.T, 2))
    pictures += [turn(pictures[k]) for k, turn in enumerate(turns)]
    values = np.stack([np.uint8((p - p.min()) / np.ptp(p) * 255).reshape(-1) for p in pictures])
    names = {}
    for name, alike in similar.turned_copies(sketch_with(values, shape=(48, 48))):
        for i, j in alike.pairs.tolist():
            names.setdefault((min(i, j), max(i, j)), set()).add(name)
    assert set(names) == {(k, 30 + k) for k in range(7)}
    assert names[0, 30] == {"mirrored"} and names[1, 31] == {"upside down"}
    # Turned by 90 degrees one way, the second is the first turned the other way.
    assert names[2, 32] == names[4, 34] == {"turned by 90 degrees", "turned by 270 degrees"}


def test_an_image_that_is_its_own_mirror_image_is_no_copy():
    rng = np.random.default_rng(3)
    half = rng.integers(0, 255, (8, 48, 24), dtype=np.uint8)
    values = np.concatenate([half, half[:, :, ::-1]], axis=2).reshape(8, -1)
    assert all(
        len(alike.pairs) == 0 for _, alike in similar.turned_copies(sketch_with(values, shape=(48, 48)))
    )


@pytest.mark.parametrize("size", [(900, 1200), (2000, 1500), (300, 260), (40, 30)])
def test_a_thumbnail_of_a_reduced_jpeg_agrees_with_that_of_the_whole(tmp_path, size):
    rng = np.random.default_rng(4)
    coarse = Image.fromarray(rng.integers(40, 210, (30, 40), dtype=np.uint8))
    pixels = np.asarray(coarse.resize(size[::-1], Image.Resampling.BICUBIC)) + 8 * rng.normal(size=size)
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=88)
    small, facts = sketch(str(path))
    with Image.open(path) as image:
        whole = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), float).reshape(-1)
    assert np.corrcoef(small, whole)[0, 1] > 0.998
    assert (facts["height"], facts["width"]) == size and facts["format"] == "JPEG"


def test_an_image_is_upright_before_it_is_compared(tmp_path):
    rng = np.random.default_rng(5)
    image = Image.fromarray(np.uint8(gaussian_filter(rng.normal(size=(400, 300)), 9) * 700 + 128))
    image.save(tmp_path / "a.jpg", quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise to be upright
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.jpg", exif=exif, quality=95)
    (a, facts_a), (b, facts_b) = (sketch(str(tmp_path / name)) for name in ("a.jpg", "b.jpg"))
    assert np.corrcoef(a, b)[0, 1] > 0.999
    assert (facts_a["width"], facts_a["height"]) == (facts_b["width"], facts_b["height"]) == (300, 400)


def test_figures_of_an_image_are_those_worked_out_by_hand(tmp_path):
    pixels = np.zeros((100, 100), np.uint8)
    pixels[:, :50] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    _, facts = sketch(str(tmp_path / "a.png"))
    assert facts["left mean"] == 255 and facts["right mean"] == 0 and facts["top mean"] == 127.5
    assert facts["bright"] == facts["dark"] == 0.5 and facts["sd"] == 127.5
    # The Laplacian is -255 left of the edge, 255 right of it, 0 elsewhere: 2 of 98 columns.
    assert facts["sharpness"] == pytest.approx(255**2 * 2 / 98)
    assert facts["mode"] == "L" and facts["format"] == "PNG"


def test_a_damaged_file_is_set_aside_and_counted(tmp_path):
    good, bad = tmp_path / "a.png", tmp_path / "b.png"
    Image.new("L", (9, 9), 7).save(good)
    bad.write_bytes(good.read_bytes()[:40])
    made = sketch_of("image", np.array([str(good), None, str(bad)], dtype=object), None)
    assert made.rows.tolist() == [0] and made.failed.tolist() == [2]
    with pytest.raises(MedgraftError, match=r"b\.png"):
        sketch_of("image", np.array([str(bad)], dtype=object), None)


@pytest.mark.parametrize("n", [1, 3, 7, 12, 100])
@pytest.mark.parametrize("length", [1, 4, 12])
def test_area_means_keep_the_mean_and_equal_block_means_where_lengths_divide(n, length):
    values = np.random.default_rng(n).normal(size=(2, n))
    made = area_means(values, length)
    assert made.shape == (2, length)
    np.testing.assert_allclose(made.mean(axis=1), values.mean(axis=1))
    if n % length == 0:
        np.testing.assert_allclose(made, values.reshape(2, length, -1).mean(axis=2))
