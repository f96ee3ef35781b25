from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import map_coordinates

from medgraft.base import MedgraftError
from medgraft.cohort.media import Volume
from medgraft.sources.grid import regrid
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.volume_preprocess import SlicePreprocess, VolumePreprocess
from medgraft.sources.volumes import VolumeInput

AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def values(shape=(20, 16, 12), seed=0):
    return np.random.default_rng(seed).uniform(1, 100, shape).astype(np.float32)


def readers(**settings):
    given = VolumeInput(**settings)
    return VolumePreprocess(given, 16), SlicePreprocess(given, Preprocess(8, 3, "bilinear"))


@pytest.mark.parametrize("orientation", ["LPS", "SAR", "PIR"])
@pytest.mark.parametrize(
    "settings", [{}, {"spacing": 1.2, "size": 24}, {"axis": "sagittal", "window": "50/60"}]
)
def test_the_same_patient_stored_otherwise_gives_the_same_tensor(tmp_path, orientation, settings):
    image = nib.Nifti1Image(values(), AFFINE)
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(tuple(orientation))
    )
    for name, stored in (("a", image), ("b", image.as_reoriented(turn))):
        nib.save(stored, tmp_path / f"{name}.nii.gz")
    assert nib.load(tmp_path / "b.nii.gz").shape != image.shape or orientation == "LPS"
    for reader in readers(slices=4, **settings):
        a, b = (reader.open(str(tmp_path / f"{n}.nii.gz")) for n in "ab")
        assert tuple(a.shape) == reader.shape and torch.equal(a, b) and a.float().std() > 0


def test_a_grid_of_one_spacing_is_linear_interpolation_about_the_middle():
    v = values()
    step = (0.7, 0.5, 0.9)
    out = regrid(v, (10, 12, 6), step)
    at = [
        (n - 1) / 2 + (np.arange(m) - (m - 1) / 2) * s
        for n, m, s in zip(v.shape, out.shape, step, strict=True)
    ]
    truth = map_coordinates(v, np.stack(np.meshgrid(*at, indexing="ij")), order=1)
    np.testing.assert_allclose(out, truth, rtol=1e-5)


def test_squeezing_by_two_keeps_means_and_straight_lines():
    ramp = np.arange(16, dtype=np.float32)[:, None, None] * np.ones((1, 4, 4), np.float32)
    out = regrid(ramp, (8, 4, 4), (2.0, 1.0, 1.0))
    np.testing.assert_allclose(out[1:-1, 0, 0], np.arange(2.5, 14, 2), rtol=1e-6)
    constant = regrid(np.full((9, 7, 5), 3, np.float32), (4, 4, 4), (9 / 4, 7 / 4, 5 / 4))
    np.testing.assert_allclose(constant, 3.0, rtol=1e-6)


def test_a_flipped_volume_gives_the_flipped_tensor():
    reader, _ = readers(size=(10, 9, 8))
    v = values()
    flipped = reader(Volume(np.ascontiguousarray(v[::-1]), AFFINE))
    torch.testing.assert_close(flipped, reader(Volume(v, AFFINE)).flip(1))


def test_mr_is_standardised_by_the_voxels_that_are_not_zero():
    v = values((16, 16, 16))
    v[:5] = 0
    out = readers()[0](Volume(v, np.eye(4)))[0].numpy()
    inside = v[5:]
    np.testing.assert_allclose(out[5:], (inside - inside.mean()) / inside.std(), rtol=1e-4, atol=1e-5)
    assert (out[:5] == 0).all()
    other = readers()[0](Volume(3 * v, np.eye(4)))[0].numpy()  # another scanner's scale
    np.testing.assert_allclose(other, out, rtol=1e-4, atol=1e-5)


def test_a_window_is_zero_to_one_and_ct_without_one_is_refused(tmp_path):
    v = np.zeros((16, 16, 16), np.float32)
    v[0, 0, :5] = [-1000, 0, 20, 40, 3000]
    nib.save(nib.Nifti1Image(v, np.eye(4)), tmp_path / "ct.nii.gz")
    reader, slices = readers(window="20/40")
    assert reader.open(str(tmp_path / "ct.nii.gz"))[0, 0, 0, :5].tolist() == [0, 0, 0.5, 1, 1]
    for r in readers():
        with pytest.raises(MedgraftError, match="down to -1000, as CT does.*window=40/80"):
            r.open(str(tmp_path / "ct.nii.gz"))
    for r in readers(window="own"):
        r.open(str(tmp_path / "ct.nii.gz"))
    assert slices.open(str(tmp_path / "ct.nii.gz")).max() > 0


@pytest.mark.parametrize(("axis", "across"), [("sagittal", 0), ("coronal", 1), ("axial", 2)])
def test_slices_are_the_middles_of_equal_slabs_shown_upright(axis, across):
    v = values((12, 12, 12))
    reader = SlicePreprocess(VolumeInput(slices=3, axis=axis), Preprocess(12, 1, "bilinear"))
    out = reader(Volume(v, np.eye(4)))
    low, high = np.percentile(v, [0.5, 99.5])
    for shown, place in zip(out, (2, 6, 10), strict=True):
        plane = np.take(v, place, axis=across)
        truth = np.rint(255 * np.clip((plane - low) / (high - low), 0, 1))
        truth = truth.T[::-1]  # rows from top to bottom, columns to the right
        assert (np.abs(shown[0].numpy() - truth) <= 1).all()


def test_slices_of_one_spacing_are_cut_from_the_resampled_volume():
    v = values((12, 12, 12))
    given = VolumeInput(slices=2, spacing=0.5, size=16)
    out = SlicePreprocess(given, Preprocess(16, 1, "bilinear"))(Volume(v, np.eye(4)))
    low, high = np.percentile(v, [0.5, 99.5])
    fine = regrid(np.clip((v - low) / (high - low), 0, 1), (16, 16, 16), (0.5,) * 3)
    truth = Image.fromarray(np.rint(255 * fine[:, :, 4]).astype(np.uint8).T[::-1])
    assert np.abs(out[0, 0].numpy() - np.asarray(truth, int)).max() <= 1


def test_a_volume_without_values_is_background():
    for broken in (np.zeros((9, 9, 9), np.float32), np.full((9, 9, 9), np.nan, np.float32)):
        for reader in readers():
            assert reader(Volume(broken, np.eye(4))).float().abs().max() == 0


def test_what_is_given_is_left_alone():
    v = values()
    before = v.copy()
    for reader in readers(spacing=1.0):
        reader(Volume(v, AFFINE))
    np.testing.assert_array_equal(v, before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slice=8", "no setting 'slice'.*slices"),
        ("slices=0", "slices=0 .*1 to 1024"),
        ("size=4", "size=4.*8 to 1024"),
        ("size=64x64", "out of range"),
        ("axis=up", "axial"),
        ("window=80", "CENTRE/WIDTH"),
        ("window=40/0", "CENTRE/WIDTH"),
        ("spacing=wide", "takes numbers"),
        ("pool=sum", "mean, max"),
    ],
)
def test_settings_that_do_not_exist_are_refused_in_one_sentence(text, said):
    with pytest.raises(MedgraftError, match=said):
        VolumeInput.of(text)


def test_settings_survive_json():
    given = VolumeInput.of("spacing=1.5,size=64x48x32,window=40/80,slices=9,axis=coronal,pool=max")
    assert VolumeInput.of(given.to_dict()) == given and given.shape(10) == (64, 48, 32)
