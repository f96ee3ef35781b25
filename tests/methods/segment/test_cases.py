from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.segment.cases import Case, codes_of, levels, open_case, open_mask, values_in
from medgraft.methods.segment.frame import Frame
from medgraft.methods.table import InputError


def test_levels_run_from_the_low_to_the_high_percentile_of_each_volume():
    values = np.random.default_rng(0).normal(100, 20, (12, 11, 10)).astype(np.float32)
    low, high = np.percentile(values, [0.5, 99.5])
    np.testing.assert_allclose(levels(values), np.clip((values - low) / (high - low), 0, 1), atol=1e-6)
    np.testing.assert_allclose(levels(3 * values - 7), levels(values), atol=1e-5)


def test_voxels_without_a_number_are_dark_and_an_empty_volume_is_no_error():
    values = np.arange(8.0).reshape(2, 2, 2)
    values[0, 0, 0] = np.nan
    assert levels(values)[0, 0, 0] == 0
    assert (levels(np.full((2, 2, 2), np.nan)) == 0).all() and (levels(np.ones((2, 2, 2))) == 0).all()


def test_a_picture_is_opened_with_the_channels_that_are_asked_for(pictures):
    ref = pictures[0]["image"][0]
    assert [open_case("image", ref, c).values.shape for c in (1, 3, 4)] == [(c, 40, 32) for c in (1, 3, 4)]
    assert open_case("image", ref).grid == (40, 32)


def test_a_mask_of_another_size_is_refused_by_name():
    with pytest.raises(InputError, match=r"'a.png' and its mask differ in size \(4x5 and 5x4\)"):
        codes_of(np.zeros((5, 4), int), np.array([0, 1]), Case(np.zeros((3, 4, 5), np.uint8)), "a.png")


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros(4, int), None])
def test_what_is_no_mask_is_refused(wrong):
    with pytest.raises(InputError, match="whole numbers"):
        open_mask(wrong)


def test_a_picture_given_as_a_mask_is_refused():
    with pytest.raises(InputError, match="100 different values"):
        values_in(np.arange(100), "a.png")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_of_a_volume_come_back_onto_its_grid(axis):
    rng = np.random.default_rng(0)
    case = Case(rng.normal(size=(6, 7, 8)).astype(np.float32), (1.0, 1.0, 1.0))
    frame = Frame(32, "windows", axis, 1, 3)
    pixels = frame.pixels(case)
    assert pixels.shape == (case.grid[axis], 1, *(n for a, n in enumerate(case.grid) if a != axis))
    scores = np.concatenate([pixels, 255 - pixels], axis=1).astype(np.float32)
    back = frame.back(torch.from_numpy(scores), case)
    np.testing.assert_array_equal(back[0], np.rint(levels(case.values) * 255))
    codes = rng.integers(0, 3, case.grid).astype(np.uint8)
    np.testing.assert_array_equal(np.moveaxis(frame.codes(codes, case), 0, axis), codes)


@pytest.mark.parametrize(
    "wrong", [{"slices": 2}, {"axis": 3}, {"view": "half"}, {"size": 8}, {"channels": 1}]
)
def test_a_frame_that_cannot_be_is_refused(wrong):
    with pytest.raises(MedgraftError):
        Frame(**{"size": 32, "view": "whole", "axis": 2, "slices": 3, "channels": 3, **wrong})


def test_pixels_are_square_in_millimetres():
    case = Case(np.zeros((10, 20, 4), np.float32), (2.0, 0.5, 5.0))
    assert Frame(32, "whole", 2, 3, 3, pixel=0.25).sides(case) == (80, 40)
    assert Frame(32, "whole", 0, 3, 3, pixel=0.5).sides(case) == (20, 40)


def test_the_longer_side_of_a_picture_is_brought_to_the_size():
    assert Frame(64, "whole", 2, 1, 3).sides(Case(np.zeros((3, 200, 100), np.uint8))) == (64, 32)


def test_neighbouring_slices_become_channels_and_the_outermost_repeat():
    pixels = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((4, 1, 2, 2), np.uint8)
    frame = Frame(32, "whole", 2, 3, 3, pixel=1.0)
    assert [frame.look(pixels, i)[:, 0, 0].tolist() for i in (0, 2, 3)] == [[0, 0, 1], [1, 2, 3], [2, 3, 3]]
    alone = Frame(32, "whole", 2, 1, 3, pixel=1.0)
    assert alone.look(pixels, 2)[:, 0, 0].tolist() == [2, 2, 2]
