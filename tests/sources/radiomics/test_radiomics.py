"""Radiomics: the phantom of IBSI with its published values, and naive loops from the definitions."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.sources.radiomics import Radiomics, radiomic_rows
from medgraft.sources.radiomics.glcm import matrices
from medgraft.sources.radiomics.gldm import dependences
from medgraft.sources.radiomics.glrlm import run_lengths
from medgraft.sources.radiomics.glszm import zones
from medgraft.sources.radiomics.grid import directions, levels_of
from medgraft.sources.radiomics.ngtdm import differences
from medgraft.sources.radiomics.shape import shape
from samples import image_folder

# The digital phantom of IBSI (z, y, x), voxels of 2 mm, 0 outside the region.
PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ]
)
# Reference values of IBSI for it, to three digits: 3-D, the mean over directions where there are some.
IBSI = {
    "first_order_mean": 2.15,
    "first_order_variance": 3.05,
    "first_order_skewness": 1.08,
    "first_order_kurtosis": -0.355,
    "first_order_median": 1.0,
    "first_order_90_percentile": 4.0,
    "first_order_interquartile_range": 3.0,
    "first_order_mean_absolute_deviation": 1.55,
    "first_order_robust_mean_absolute_deviation": 1.11,
    "first_order_energy": 567.0,
    "first_order_root_mean_squared": 2.77,
    "first_order_entropy": 1.27,
    "first_order_uniformity": 0.512,
    "shape_mesh_volume": 556.0,
    "shape_voxel_volume": 592.0,
    "shape_surface_area": 388.0,
    "shape_surface_volume_ratio": 0.698,
    "shape_sphericity": 0.843,
    "shape_maximum_diameter": 13.1,
    "shape_major_axis": 11.4,
    "shape_minor_axis": 9.31,
    "shape_least_axis": 8.54,
    "shape_elongation": 0.816,
    "shape_flatness": 0.749,
    "glcm_maximum_probability": 0.503,
    "glcm_joint_average": 2.14,
    "glcm_sum_squares": 3.1,
    "glcm_joint_entropy": 2.4,
    "glcm_difference_average": 1.43,
    "glcm_difference_variance": 3.06,
    "glcm_difference_entropy": 1.56,
    "glcm_sum_average": 4.29,
    "glcm_sum_entropy": 1.92,
    "glcm_joint_energy": 0.303,
    "glcm_contrast": 5.32,
    "glcm_id": 0.677,
    "glcm_idn": 0.851,
    "glcm_idm": 0.618,
    "glcm_idmn": 0.898,
    "glcm_inverse_variance": 0.0604,
    "glcm_correlation": 0.157,
    "glcm_autocorrelation": 5.06,
    "glcm_cluster_tendency": 7.07,
    "glcm_cluster_shade": 16.6,
    "glcm_cluster_prominence": 145.0,
    "glcm_imc1": -0.157,
    "glcm_imc2": 0.52,
    "glrlm_short_run_emphasis": 0.705,
    "glrlm_long_run_emphasis": 3.06,
    "glrlm_low_gray_level_run_emphasis": 0.603,
    "glrlm_high_gray_level_run_emphasis": 9.7,
    "glrlm_short_run_low_gray_level_emphasis": 0.352,
    "glrlm_short_run_high_gray_level_emphasis": 8.54,
    "glrlm_long_run_low_gray_level_emphasis": 2.39,
    "glrlm_long_run_high_gray_level_emphasis": 17.6,
    "glrlm_gray_level_non_uniformity": 21.8,
    "glrlm_gray_level_non_uniformity_normalised": 0.43,
    "glrlm_run_length_non_uniformity": 26.9,
    "glrlm_run_length_non_uniformity_normalised": 0.513,
    "glrlm_run_percentage": 0.68,
    "glrlm_gray_level_variance": 3.46,
    "glrlm_run_variance": 0.574,
    "glrlm_run_entropy": 2.43,
    "glszm_small_area_emphasis": 0.255,
    "glszm_large_area_emphasis": 550.0,
    "glszm_low_gray_level_zone_emphasis": 0.253,
    "glszm_high_gray_level_zone_emphasis": 15.6,
    "glszm_small_area_low_gray_level_emphasis": 0.0256,
    "glszm_small_area_high_gray_level_emphasis": 2.76,
    "glszm_large_area_low_gray_level_emphasis": 503.0,
    "glszm_large_area_high_gray_level_emphasis": 1490.0,
    "glszm_gray_level_non_uniformity": 1.4,
    "glszm_gray_level_non_uniformity_normalised": 0.28,
    "glszm_size_zone_non_uniformity": 1.0,
    "glszm_size_zone_non_uniformity_normalised": 0.2,
    "glszm_zone_percentage": 0.0676,
    "glszm_gray_level_variance": 2.64,
    "glszm_zone_variance": 331.0,
    "glszm_zone_entropy": 2.32,
    "ngtdm_coarseness": 0.0296,
    "ngtdm_contrast": 0.584,
    "ngtdm_busyness": 6.54,
    "ngtdm_complexity": 13.5,
    "ngtdm_strength": 0.763,
    "gldm_small_dependence_emphasis": 0.045,
    "gldm_large_dependence_emphasis": 109.0,
    "gldm_low_gray_level_emphasis": 0.693,
    "gldm_high_gray_level_emphasis": 7.66,
    "gldm_small_dependence_low_gray_level_emphasis": 0.00963,
    "gldm_small_dependence_high_gray_level_emphasis": 0.736,
    "gldm_large_dependence_low_gray_level_emphasis": 102.0,
    "gldm_large_dependence_high_gray_level_emphasis": 235.0,
    "gldm_gray_level_non_uniformity": 37.9,
    "gldm_dependence_non_uniformity": 4.86,
    "gldm_dependence_non_uniformity_normalised": 0.0657,
    "gldm_gray_level_variance": 3.05,
    "gldm_dependence_variance": 22.1,
    "gldm_dependence_entropy": 4.4,
}


def test_the_phantom_of_ibsi_has_its_published_values():
    found = Radiomics("mask", width=1.0).features(PHANTOM, PHANTOM > 0, (2.0, 2.0, 2.0))
    for name, value in IBSI.items():
        assert float(f"{found[name + '@mask']:.3g}") == pytest.approx(value, rel=1e-9), name


def cases():
    rng = np.random.default_rng(0)
    flat = rng.integers(1, 5, (9, 7)) * (rng.random((9, 7)) > 0.2)
    deep = rng.integers(1, 4, (5, 4, 6)) * (rng.random((5, 4, 6)) > 0.3)
    flat[0, 0] = deep[0, 0, 0] = 4
    return [flat, deep]


every_grid = pytest.mark.parametrize("grid", cases(), ids=["2-D", "3-D"])


def around(grid, at):
    """Places of the neighbours of a pixel that are inside."""
    for step in itertools.product((-1, 0, 1), repeat=grid.ndim):
        place = tuple(a + s for a, s in zip(at, step, strict=True))
        if any(step) and all(0 <= p < n for p, n in zip(place, grid.shape, strict=True)) and grid[place]:
            yield place


def inside(grid):
    return [at for at in np.ndindex(grid.shape) if grid[at]]


@every_grid
def test_co_occurrences_are_those_of_a_plain_loop(grid):
    n, made = int(grid.max()), []
    for step in directions(grid.ndim):
        count = np.zeros((n, n))
        for at in inside(grid):
            for place in around(grid, at):
                if tuple(np.subtract(place, at)) in (step, tuple(-s for s in step)):
                    count[grid[at] - 1, grid[place] - 1] += 1
        made.append(count / count.sum())
    np.testing.assert_allclose(matrices(grid), np.array(made), atol=1e-15)


@every_grid
def test_runs_are_those_of_a_plain_loop(grid):
    for step in directions(grid.ndim):
        count = Counter()
        for at in inside(grid):
            near = set(around(grid, at))
            before = tuple(np.subtract(at, step))
            if before in near and grid[before] == grid[at]:
                continue  # not the first of its run
            length, here = 1, at
            while (after := tuple(np.add(here, step))) in set(around(grid, here)) and grid[after] == grid[at]:
                length, here = length + 1, after
            count[int(grid[at]), length] += 1
        found = run_lengths(grid, step)
        assert {(i + 1, j + 1): int(c) for (i, j), c in np.ndenumerate(found) if c} == count


@every_grid
def test_zones_are_those_of_a_flood(grid):
    left, count = set(inside(grid)), Counter()
    while left:
        zone, edge = set(), [left.pop()]
        while edge:
            at = edge.pop()
            zone.add(at)
            edge += [p for p in around(grid, at) if grid[p] == grid[at] and p not in zone and p not in edge]
        left -= zone
        count[int(grid[at]), len(zone)] += 1
    assert {(i + 1, j + 1): int(c) for (i, j), c in np.ndenumerate(zones(grid)) if c} == count


@every_grid
def test_dependences_and_tone_differences_are_those_of_a_plain_loop(grid):
    count, number, gap = Counter(), np.zeros(int(grid.max())), np.zeros(int(grid.max()))
    for at in inside(grid):
        near = [grid[p] for p in around(grid, at)]
        count[int(grid[at]), 1 + sum(v == grid[at] for v in near)] += 1
        if near:
            number[grid[at] - 1] += 1
            gap[grid[at] - 1] += abs(grid[at] - np.mean(near))
    assert {(i + 1, j + 1): int(c) for (i, j), c in np.ndenumerate(dependences(grid)) if c} == count
    np.testing.assert_allclose(differences(grid), (number, gap))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_turning_mirroring_and_padding_an_image_change_no_feature(dimensions):
    grid = cases()[dimensions - 2].astype(float)
    truth = Radiomics("mask", bins=4).features(grid, grid > 0)
    for other in (np.swapaxes(grid, 0, 1), np.flip(grid, 0), np.pad(grid, 2), grid * 1.0):
        found = Radiomics("mask", bins=4).features(other, other > 0)
        for name, value in truth.items():
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_textures_of_binned_values_know_no_unit_and_first_order_follows_it():
    x = np.random.default_rng(0).normal(size=(12, 12))
    a, b = Radiomics().features(x), Radiomics().features(5 * x + 100)
    for name in a:
        if not name.startswith("first_order"):
            assert a[name] == pytest.approx(b[name]), name
    assert b["first_order_mean@whole"] == pytest.approx(5 * a["first_order_mean@whole"] + 100)
    assert b["first_order_kurtosis@whole"] == pytest.approx(a["first_order_kurtosis@whole"])


def test_a_disc_and_a_ball_have_the_shape_of_one():
    grid = np.linalg.norm(np.indices((41, 41)) - 20, axis=0) <= 18
    disc = shape(grid, (0.5, 0.5))
    assert disc["mesh_surface"] == pytest.approx(np.pi * 81, rel=0.02)
    assert disc["maximum_diameter"] == pytest.approx(18, rel=0.05)
    assert disc["major_axis"] == disc["minor_axis"] == pytest.approx(18, rel=0.02)
    ball = shape(np.linalg.norm(np.indices((31, 31, 31)) - 15, axis=0) <= 12, (1.0, 1.0, 1.0))
    assert ball["mesh_volume"] == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.03)
    assert ball["flatness"] == pytest.approx(1.0)
    assert ball["surface_area"] > 4 * np.pi * 12**2 * 0.99  # steps only add


def test_a_hole_takes_from_the_area_and_adds_to_the_outline():
    grid = np.ones((9, 9), dtype=bool)
    grid[3:6, 3:6] = False
    ring, full = shape(grid, (1.0, 1.0)), shape(np.ones((9, 9), dtype=bool), (1.0, 1.0))
    assert ring["mesh_surface"] == pytest.approx(full["mesh_surface"] - (9 - 4 / 8))  # its corners are cut
    assert ring["perimeter"] == pytest.approx(full["perimeter"] + 4 * 2 + 4 * np.sqrt(0.5))


@pytest.mark.parametrize("region", ["whole", "otsu", "mask"])
def test_an_image_of_one_value_has_finite_features(region):
    for grid in (np.full((6, 6), 7.0), np.full((4, 4, 4), 7.0)):
        found = Radiomics(region).features(grid, grid > 0)
        assert np.isfinite(list(found.values())).all()
        assert len(found) == len(Radiomics(region).names(grid.ndim))


def test_a_single_pixel_has_finite_features():
    grid = np.zeros((6, 6))
    grid[2, 3] = 4.0
    found = Radiomics("mask").features(grid, grid > 0)
    assert np.isfinite(list(found.values())).all()


def test_otsu_takes_the_side_that_is_less_of_the_border_whether_bright_or_dark():
    x = np.full((20, 20), 10.0)
    x[6:14, 6:14] += 50
    bright, dark = Radiomics("otsu").features(x), Radiomics("otsu").features(-x)
    assert bright["shape_pixel_surface@otsu"] == dark["shape_pixel_surface@otsu"] == 64


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("radiomics:region=otzu", "Did you mean 'otsu'"),
        ("radiomics:bin=3", "no setting 'bin=3'"),
        ("radiomics:bins=few", "takes a number"),
        ("radiomics:bins=1", "from 2"),
        ("radiomics:width=0", "more than 0"),
    ],
)
def test_a_bad_setting_is_one_sentence(spec, says):
    with pytest.raises(MedgraftError, match=says):
        Radiomics.of(spec)


def test_what_radiomics_cannot_read_is_one_sentence():
    with pytest.raises(MedgraftError, match="there is none"):
        Radiomics("mask").features(np.ones((3, 3)))
    with pytest.raises(MedgraftError, match="its size is another"):
        Radiomics("mask").features(np.ones((3, 3)), np.ones((2, 2)))
    with pytest.raises(MedgraftError, match="gaps"):
        Radiomics().features(np.array([[1.0, np.nan]]))
    with pytest.raises(MedgraftError, match="grey levels"):
        levels_of(np.array([[0.0, 1e9]]), np.ones((1, 2), dtype=bool), width=1.0)


def test_rows_are_computed_once_and_follow_the_order_of_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "cache"))
    paths = sorted(map(str, image_folder(tmp_path / "scans", 3).rglob("*.jpg")))
    source = Radiomics("otsu")
    rows = radiomic_rows(source, "image", paths)
    assert rows.shape == (6, len(source.names(2))) and rows.dtype == np.float32
    monkeypatch.setattr(Radiomics, "features", None)  # not to be called again
    np.testing.assert_array_equal(radiomic_rows(source, "image", paths[::-1]), rows[::-1])


def test_features_of_a_file_as_a_volume_are_not_taken_for_those_of_it_as_an_image(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDGRAFT_CACHE", str(tmp_path / "cache"))
    (path,) = sorted(map(str, image_folder(tmp_path / "scans", 1).rglob("*.jpg")))[:1]
    asked = []

    def opened(kind, cell):
        asked.append(kind)
        grey = np.arange(81, dtype=np.uint8).reshape(9, 9)
        return Image.fromarray(grey * len(asked))

    monkeypatch.setattr("medgraft.sources.radiomics.rows.open_sample", opened)
    source = Radiomics()
    one, two, again = (radiomic_rows(source, kind, [path]) for kind in ("image", "volume", "image"))
    assert asked == ["image", "volume"] and np.array_equal(one, again) and not np.array_equal(one, two)
