"""Every step keeps its promises: no change to its input, the same dtype, and what the mathematics says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_dilation, median_filter
from scipy.signal import wiener as scipy_wiener

from medgraft.base import MedgraftError
from medgraft.cohort import quality

STEPS = sorted(quality.by_name)
CROPS = [name for name in STEPS if quality.by_name[name].find]
DTYPES = ("uint8", "uint16", "float32", "float64")
SMALL = settings(max_examples=25, deadline=None)


def tissue(seed=0, size=64, colour=True):
    """A smooth image of middle brightness, uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    base = 140 + 25 * np.sin(3 * x + seed) + 20 * np.cos(4 * y)
    values = base[..., None] * np.array([1.1, 0.8, 0.75]) if colour else base
    return np.clip(values + rng.normal(scale=2, size=values.shape), 0, 255).astype(np.uint8)


def as_dtype(image, dtype):
    scale = {"uint8": 1, "uint16": 16, "float32": 1 / 255, "float64": 1 / 255}[dtype]
    return (image * float(scale)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("name", STEPS)
def test_every_step_keeps_the_dtype_and_leaves_its_input_alone(name, colour, dtype):
    image = as_dtype(tissue(colour=colour), dtype)
    before = image.copy()
    image.flags.writeable = False
    out = quality.by_name[name].function(image)
    assert out.dtype == image.dtype and out.ndim == image.ndim
    assert name in CROPS or out.shape == image.shape
    assert (image == before).all() and not np.shares_memory(out, image)
    assert np.isfinite(out).all()


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3, 3), (5, 4)])
@pytest.mark.parametrize("value", [0, 7, 255])
def test_every_step_survives_tiny_and_constant_images(name, shape, value):
    image = np.full(shape, value, np.uint8)
    out = quality.by_name[name].function(image)
    assert (out == value).all() and out.shape == shape


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 4), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((2, 3, 4, 3), np.uint8),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4), bool),
        np.full((4, 4), np.nan),
        [[1, 2], [3, 4]],
        None,
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence_that_names_the_step(name, wrong):
    with pytest.raises(MedgraftError, match=rf"^{name} needs .*\.$"):
        quality.by_name[name].function(wrong)


@SMALL
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14))), st.sampled_from(STEPS), st.booleans()
)
def test_any_grey_image_passes_through_any_step(image, name, wide):
    image = image.astype(np.uint16) * 257 if wide else image
    out = quality.by_name[name].function(image)
    assert out.dtype == image.dtype and out.size > 0


# Contrast


def test_stretching_by_hand():
    image = np.array([[10, 20, 30, 50]], np.uint8)
    assert quality.percentile_stretch(image, 0, 100).tolist() == [[0, 64, 128, 255]]
    assert quality.percentile_stretch(image.astype(np.uint16), 0, 100).tolist() == [[0, 16384, 32768, 65535]]
    assert quality.percentile_stretch(image / 10, 0, 100) == pytest.approx(np.array([[0, 0.25, 0.5, 1]]))


@SMALL
@given(arrays(np.uint8, (6, 7)), st.floats(0, 40), st.floats(60, 100))
def test_stretching_twice_is_stretching_once(image, low, high):
    once = quality.percentile_stretch(image, low, high)
    assert (quality.percentile_stretch(once, low, high) == once).all()


@SMALL
@given(arrays(np.uint8, (6, 7), elements=st.integers(0, 200)))
def test_stretching_does_not_depend_on_brightness(image):
    assume(image.min() < image.max())
    brighter = (image + 40).astype(np.uint8)
    assert (quality.percentile_stretch(image) == quality.percentile_stretch(brighter)).all()


def test_a_full_range_stays_and_a_few_outliers_do_not_count():
    full = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (quality.percentile_stretch(full, 0, 100) == full).all()
    marked = tissue(colour=False)
    clean = quality.percentile_stretch(marked)
    marked[0, :3] = 255
    assert np.abs(quality.percentile_stretch(marked)[1:].astype(int) - clean[1:]).max() <= 3


def test_clahe_raises_local_contrast_and_keeps_hue():
    image = tissue(size=128) // 4 + 100

    def local(values):
        return values.astype(float).reshape(8, 16, 8, 16, 3).std(axis=(1, 3)).mean()

    assert local(quality.clahe(image)) > 3 * local(image)
    assert local(quality.clahe(image, clip=0.1)) > local(quality.clahe(image, clip=0.002))
    from skimage.color import rgb2hsv

    hue = np.abs(rgb2hsv(quality.clahe(image))[..., 0] - rgb2hsv(image)[..., 0])
    assert np.median(np.minimum(hue, 1 - hue)) < 0.01


def test_clahe_with_one_tile_keeps_the_order_of_grey_values():
    image = tissue(colour=False).astype(np.uint8)
    out = quality.clahe(image, clip=1.0, tiles=1).astype(int)
    middles = [out[image == v].mean() for v in np.unique(image)]
    assert (np.diff(middles) > -6).all() and out.min() < 10 and out.max() > 245


# Noise


@pytest.mark.parametrize("size", [3, 5])
def test_the_median_of_an_impulse_is_nothing_and_an_edge_stays(size):
    image = np.zeros((9, 9), np.uint8)
    image[4, 4] = 255
    assert quality.median(image, size).max() == 0
    edge = np.repeat([[0] * 5 + [200] * 4], 9, axis=0).astype(np.uint8)
    assert (quality.median(edge, size) == edge).all()


def test_the_median_agrees_with_a_naive_one():
    image = tissue(colour=False, size=12)
    wide = np.pad(image, 1, mode="symmetric")
    naive = [[np.median(wide[i : i + 3, j : j + 3]) for j in range(12)] for i in range(12)]
    assert (quality.median(image) == naive).all()
    colour = tissue(size=12)
    each = np.stack([median_filter(colour[..., c], size=3, mode="reflect") for c in range(3)], axis=-1)
    assert (quality.median(colour) == each).all()


@SMALL
@given(arrays(np.uint8, (7, 8)))
def test_wiener_without_noise_is_the_identity(image):
    assert (quality.wiener(image, noise=0.0) == image).all()


def test_wiener_against_a_naive_one_and_against_scipy_away_from_the_edge():
    image = np.random.default_rng(0).normal(100, 20, (20, 20))
    out = quality.wiener(image, size=3, noise=15.0)
    wide = np.pad(image, 1, mode="symmetric")
    for i, j in ((0, 0), (5, 7), (19, 3)):
        window = wide[i : i + 3, j : j + 3]
        gain = max(window.var() - 225, 0) / max(window.var(), 225)
        assert out[i, j] == pytest.approx(window.mean() + gain * (image[i, j] - window.mean()))
    assert out[1:-1, 1:-1] == pytest.approx(scipy_wiener(image, 3, 225.0)[1:-1, 1:-1])


def test_wiener_halves_the_error_of_noise_and_its_level_is_estimated():
    rng = np.random.default_rng(1)
    clean = np.tile(np.repeat([60.0, 160.0], 40), (80, 1))
    noisy = clean + rng.normal(scale=8, size=clean.shape)
    assert quality.noise_level(noisy) == pytest.approx(8, rel=0.06)
    assert quality.noise_level(clean) == 0
    error = np.sqrt(np.mean((quality.wiener(noisy) - clean) ** 2))
    assert error < 0.5 * 8
    shifted = quality.wiener(noisy + 1e6) - 1e6
    assert shifted == pytest.approx(quality.wiener(noisy), abs=1e-4)


# Filling, hair and highlights


def test_filling_is_harmonic_and_touches_nothing_else():
    rng = np.random.default_rng(2)
    image, hole = rng.random((12, 15)), rng.random((12, 15)) < 0.4
    out = quality.fill(image, hole)
    assert (out[~hole] == image[~hole]).all()
    for i, j in np.argwhere(hole):
        near = [
            out[a, b]
            for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
            if 0 <= a < 12 and 0 <= b < 15
        ]
        assert out[i, j] == pytest.approx(np.mean(near))
    assert out[hole].min() >= image[~hole].min() and out[hole].max() <= image[~hole].max()


def test_filling_a_plane_gives_the_plane_back():
    y, x = np.mgrid[:10, :10]
    plane = (3.0 * y - 2 * x + 5)[..., None] * [1, 2, 3]
    hole = np.zeros((10, 10), bool)
    hole[3:7, 2:8] = True
    assert quality.fill(np.where(hole[..., None], 0, plane), hole) == pytest.approx(plane)


def with_hairs(image, n=8, seed=0):
    """Draw dark curved hairs of 2 to 3 pixels and return the image and their mask."""
    rng = np.random.default_rng(seed)
    size = image.shape[0]
    mask = np.zeros(image.shape[:2], bool)
    for _ in range(n):
        angle, bend, start = (
            rng.uniform(0, np.pi),
            rng.uniform(-0.004, 0.004),
            rng.uniform(0.2, 0.8, 2) * size,
        )
        t = np.linspace(-size, size, 6 * size)
        heading = angle + bend * t
        y = start[0] + np.cumsum(np.sin(heading)) * (t[1] - t[0]) - np.sum(np.sin(heading[: 3 * size])) / 3
        x = start[1] + np.cumsum(np.cos(heading)) * (t[1] - t[0]) - np.sum(np.cos(heading[: 3 * size])) / 3
        for dy, dx in ((0, 0), (1, 0), (0, 1)):
            i, j = np.rint(y + dy).astype(int), np.rint(x + dx).astype(int)
            inside = (i >= 0) & (i < size) & (j >= 0) & (j < size)
            mask[i[inside], j[inside]] = True
    out = image.copy()
    out[mask] = (out[mask] * 0.35).astype(image.dtype)
    return out, mask


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_planted_hairs_are_found_and_the_error_against_the_clean_image_falls(seed, colour):
    clean = tissue(seed, size=160, colour=colour)
    hairy, mask = with_hairs(clean, seed=seed)
    found = quality.hair(hairy)
    assert (found & mask).sum() / mask.sum() > 0.9
    rim = binary_dilation(mask, np.ones((3, 3)))
    assert found[~rim].mean() < 0.01
    error = np.abs(quality.remove_hair(hairy).astype(float) - clean).mean()
    assert error < 0.15 * np.abs(hairy.astype(float) - clean).mean()


def test_hairs_of_a_large_image_are_found_on_a_smaller_copy():
    clean = np.kron(tissue(size=160, colour=False), np.ones((5, 5), np.uint8))
    hairy, mask = (np.kron(a, np.ones((5, 5), a.dtype)) for a in with_hairs(tissue(size=160, colour=False)))
    assert (quality.hair(hairy) & mask).sum() / mask.sum() > 0.9
    error = np.abs(quality.remove_hair(hairy).astype(float) - clean).mean()
    assert error < 0.2 * np.abs(hairy.astype(float) - clean).mean()


@pytest.mark.parametrize("seed", range(3))
def test_where_there_is_no_hair_nothing_changes(seed):
    clean = tissue(seed, size=160)
    assert (quality.remove_hair(clean) == clean).all()
    spots = clean.copy()
    y, x = np.mgrid[:160, :160]
    for centre, radius in (((40, 50), 3), ((100, 90), 12), ((120, 30), 6)):
        spots[np.hypot(y - centre[0], x - centre[1]) < radius] //= 2
    assert np.mean((quality.remove_hair(spots) != spots).any(axis=-1)) < 0.005


def test_lines_have_their_length_and_no_gaps():
    from scipy.ndimage import label

    from medgraft.cohort.quality.artefacts import lines

    for line in lines(9, 16):
        assert label(line, np.ones((3, 3)))[1] == 1 and line[4, 4] and (line == line[::-1, ::-1]).all()
        y, x = np.argwhere(line).astype(float).T
        assert np.hypot(np.ptp(y), np.ptp(x)) == pytest.approx(8, abs=1.3)


@pytest.mark.parametrize("seed", range(3))
def test_planted_highlights_are_found_and_the_error_against_the_clean_image_falls(seed):
    rng = np.random.default_rng(seed)
    clean = tissue(seed, size=160)
    shiny, mask = clean.copy(), np.zeros((160, 160), bool)
    y, x = np.mgrid[:160, :160]
    for cy, cx in rng.integers(10, 150, (10, 2)):
        mask |= np.hypot((y - cy) / 2, x - cx) < rng.uniform(1.5, 3)
    shiny[mask] = rng.integers(240, 256, (mask.sum(), 3))
    found = quality.highlights(shiny)
    assert (found & mask).sum() / mask.sum() > 0.97 and found[~mask].mean() < 0.05
    error = np.abs(quality.remove_highlights(shiny).astype(float) - clean).mean()
    assert error < 0.1 * np.abs(shiny.astype(float) - clean).mean()
    assert (quality.remove_highlights(clean) == clean).all()


def test_a_large_white_area_is_no_highlight():
    image = tissue(size=160)
    image[:60] = 250
    assert (quality.remove_highlights(image) == image).all()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("clahe", {"clip": 2}),
        ("clahe", {"tiles": 0}),
        ("percentile_stretch", {"low": 60, "high": 40}),
        ("percentile_stretch", {"high": 101}),
        ("median", {"size": 4}),
        ("median", {"size": -1}),
        ("wiener", {"size": 2}),
        ("wiener", {"noise": -1.0}),
        ("wiener", {"noise": float("nan")}),
        ("remove_hair", {"depth": -0.1}),
        ("remove_hair", {"width": -3}),
        ("remove_highlights", {"bright": 1.5}),
        ("crop_border", {"level": 2}),
        ("crop_fundus", {"margin": -1}),
        ("crop_brain", {"margin": 7}),
        ("crop_lungs", {"margin": -0.1}),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(name, wrong):
    with pytest.raises(MedgraftError, match=rf"^{name} needs .*\.$"):
        quality.by_name[name].function(tissue(), **wrong)
