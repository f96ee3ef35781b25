"""Masks as a graft delivers them."""

from __future__ import annotations

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.cohort.media import open_sample
from medgraft.graft.outlines import outline, sizes


class Bright:
    """Outlines what is bright, as 3."""

    classes_ = np.array([0, 3])

    def predict(self, X):
        found = []
        for ref in X.iloc[:, 0]:
            sample = open_sample(X.columns[0], ref)
            values = sample.values if X.columns[0] == "volume" else np.asarray(sample)
            found.append(3 * (values > 100).astype(np.int64))
        return found


def _graft(kind, refs):
    frame = pd.DataFrame({kind: list(map(str, refs))})
    return SimpleNamespace(model=Bright(), input=lambda data: frame)


def _brick(path, affine, rng):
    values = np.zeros((4, 5, 6), np.float32)
    values[1:3, 2, rng.integers(1, 5) :] = 200
    nib.save(nib.Nifti1Image(values, affine), path)
    return values


def test_the_mask_of_a_volume_lies_voxel_on_voxel_whatever_way_its_file_runs(tmp_path):
    rng, refs, truth = np.random.default_rng(0), [], []
    ways = [np.diag([1.0, 2, 3, 1]), np.diag([-1.0, 2, -3, 1]), np.eye(4)[[2, 0, 1, 3]] * 1.5]
    ways[2][3, 3] = 1
    for k, affine in enumerate(ways):
        affine[:3, 3] = (5, -7, 11)
        refs.append(tmp_path / f"v{k}.nii.gz")
        truth.append(_brick(refs[-1], affine, rng) > 100)
    (tmp_path / "out").mkdir()
    table = outline(_graft("volume", refs), None, tmp_path / "out")
    assert table["mask"].tolist() == ["v0.nii.gz", "v1.nii.gz", "v2.nii.gz"]
    for k, ref in enumerate(refs):
        mask, volume = nib.load(tmp_path / "out" / table["mask"][k]), nib.load(ref)
        np.testing.assert_array_equal(np.asarray(mask.dataobj), 3 * truth[k])
        np.testing.assert_allclose(mask.affine, volume.affine)
        assert table["voxels_3"][k] == truth[k].sum()
        assert table["ml_3"][k] == pytest.approx(truth[k].sum() * abs(np.linalg.det(volume.affine)) / 1000)


def test_masks_of_images_are_grey_pictures_and_twins_are_told_apart_by_their_row(tmp_path):
    rng, refs = np.random.default_rng(1), []
    for place in ("a/x.png", "b/x.png", "b/y.png"):
        refs.append(tmp_path / place)
        refs[-1].parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (6, 9), dtype=np.uint8)).save(refs[-1])
    (tmp_path / "out").mkdir()
    table = outline(_graft("image", refs), None, tmp_path / "out")
    assert table["mask"].tolist() == ["0000_x.png", "0001_x.png", "y.png"]
    for ref, name, count in zip(refs, table["mask"], table["pixels_3"], strict=True):
        expected = 3 * (np.asarray(Image.open(ref)) > 100)
        assert open_sample("mask", str(tmp_path / "out" / name)).tolist() == expected.tolist()
        assert count == (expected > 0).sum()


def test_a_class_that_is_nowhere_has_size_zero():
    assert sizes("image", np.zeros((2, 2)), np.array([0, 1]), None) == {"pixels_1": 0}
