from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.overlap import dice, hd95, iou


def two_masks(seed=0, shape=(9, 7, 6)):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 3, shape), rng.integers(0, 3, shape)


def test_overlap_of_a_mask_counted_by_hand():
    truth = np.array([[1, 1, 0], [2, 0, 0]])
    found = np.array([[1, 0, 1], [2, 2, 0]])
    # class 1: two places each, one in common; class 2: one in two
    np.testing.assert_allclose(dice(truth, found, [1, 2]), [2 * 1 / 4, 2 * 1 / 3])
    np.testing.assert_allclose(iou(truth, found, [1, 2]), [1 / 3, 1 / 2])


def test_iou_is_a_function_of_dice():
    d, j = (measure(*two_masks(), [0, 1, 2]) for measure in (dice, iou))
    np.testing.assert_allclose(j, d / (2 - d))


@pytest.mark.parametrize(
    ("measure", "neither", "one"), [(dice, 1.0, 0.0), (iou, 1.0, 0.0), (hd95, 0.0, np.hypot(4, 3))]
)
def test_empty_masks_have_the_values_that_are_promised(measure, neither, one):
    empty, full = np.zeros((4, 3), int), np.zeros((4, 3), int)
    full[1, 1] = 1
    assert measure(empty, empty, [1]) == neither
    assert measure(empty, full, [1]) == measure(full, empty, [1]) == pytest.approx(one)


def surface(mask):
    """Places of a mask with a neighbour across a face outside it, one by one."""
    found = []
    for place in np.argwhere(mask):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                near = place.copy()
                near[axis] += step
                if not 0 <= near[axis] < mask.shape[axis] or not mask[tuple(near)]:
                    found.append(tuple(place))
    return np.array(sorted(set(found)), float)


@pytest.mark.parametrize("seed", range(3))
def test_hd95_agrees_with_all_pairs_of_surface_places(seed):
    spacing = np.array([1.5, 0.5, 2.0])
    rng = np.random.default_rng(seed)
    truth, found = np.zeros((2, 9, 7, 6), int)
    for mask in (truth, found):  # two boxes, so that there is an inside
        for _ in range(2):
            low = rng.integers(0, 4, 3)
            mask[tuple(slice(a, a + n) for a, n in zip(low, rng.integers(2, 5, 3), strict=True))] = 1
    s, t = (surface(mask == 1) * spacing for mask in (truth, found))
    far = np.linalg.norm(s[:, None] - t[None], axis=2)
    naive = max(np.percentile(far.min(1), 95), np.percentile(far.min(0), 95))
    assert hd95(truth, found, [1], spacing) == pytest.approx(naive)


def test_hd95_of_a_shifted_box_is_the_shift_in_millimetres_and_symmetric():
    truth = np.zeros((12, 12, 8), int)
    truth[2:6, 2:6, 2:6] = 1
    found = np.roll(truth, 3, axis=0)
    assert hd95(truth, found, [1], (0.7, 1.0, 3.0)) == pytest.approx(2.1)
    assert hd95(found, truth, [1], (0.7, 1.0, 3.0)) == pytest.approx(2.1)


def test_one_stray_voxel_moves_the_greatest_distance_but_not_the_percentile():
    truth = np.zeros((40, 40), int)
    truth[5:20, 5:20] = 1
    stray = truth.copy()
    stray[39, 39] = 1
    assert hd95(truth, stray, [1]) == 0.0


def test_equal_masks_are_perfect():
    truth, _ = two_masks()
    assert (dice(truth, truth, [1, 2]) == 1).all() and (hd95(truth, truth, [1, 2]) == 0).all()


@pytest.mark.parametrize("measure", [dice, iou, hd95])
def test_masks_of_unlike_shape_are_refused(measure):
    with pytest.raises(MedgraftError, match="one shape"):
        measure(np.zeros((2, 3), int), np.zeros((3, 2), int), [1])


@pytest.mark.parametrize("spacing", [(1.0, 2.0, 3.0), (0.0, 1.0), (np.nan, 1.0)])
def test_a_spacing_that_cannot_be_is_refused(spacing):
    with pytest.raises(MedgraftError, match="2 positive"):
        hd95(np.ones((2, 2)), np.ones((2, 2)), [1], spacing)
