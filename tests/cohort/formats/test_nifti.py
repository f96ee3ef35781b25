from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.media import open_sample

VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def save(path, values=VALUES, affine=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_volume_stored_the_other_way_round_is_turned_to_the_right(tmp_path, suffix):
    affine = np.array([[0, 0, -2.0, 9], [-3, 0, 0, 5], [0, 4, 0, 1], [0, 0, 0, 1]])
    path = save(tmp_path / f"a{suffix}", affine=affine)
    volume = open_sample("volume", str(path))
    assert volume.spacing == (2, 3, 4)
    inverse = np.linalg.inv(volume.affine)
    for at in np.ndindex(VALUES.shape):
        place = inverse @ (affine @ np.append(at, 1))
        assert volume.values[tuple(np.rint(place[:3]).astype(int))] == VALUES[at]


def test_slope_and_intercept_are_applied(tmp_path):
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(0.5, -7)
    nib.save(image, tmp_path / "a.nii")
    assert open_sample("volume", str(tmp_path / "a.nii")).values[1, 2, 3] == pytest.approx(
        23 * 0.5 - 7, abs=1e-3
    )


def test_images_and_labels_of_one_name_are_volume_and_mask(tmp_path):
    for name in ("p1", "p2"):
        save(tmp_path / "images" / f"{name}.nii.gz")
        save(tmp_path / "labels" / f"{name}.nii.gz", (VALUES > 5).astype(np.uint8))
    save(tmp_path / "labels" / "p9.nii.gz")
    cohort = read(tmp_path, require_label=False)
    assert cohort.n == 2 and set(cohort.media) == {"volume", "mask"}
    assert cohort.open("mask", 0).sum() == 18
    assert any("'p9.nii.gz'" in w for w in cohort.warnings)


def test_folders_are_classes_and_bids_subjects_are_patients(tmp_path):
    for label in ("ill", "well"):
        save(tmp_path / "classes" / label / "a.nii")
    assert set(read(tmp_path / "classes").classes) == {"ill", "well"}
    for subject in ("01", "02"):
        save(tmp_path / "bids" / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz")
        save(tmp_path / "bids" / f"sub-{subject}" / "anat" / f"sub-{subject}_T2w.nii.gz")
    cohort = read(tmp_path / "bids", require_label=False)
    assert cohort.group == "patient" and len(np.unique(cohort.groups)) == 2


def test_a_slice_is_an_image_with_up_above(tmp_path):
    path = save(tmp_path / "a.nii")
    picture = np.asarray(open_sample("image", f"{path}::axis=0;slice=1"))
    assert picture.shape == (4, 3)
    expected = VALUES[1].T[::-1] / 23 * 255
    np.testing.assert_allclose(picture, expected, atol=0.5)
    with pytest.raises(MedgraftError, match="outside the volume"):
        open_sample("image", f"{path}::axis=0;slice=2")


def test_a_mask_of_fractions_is_no_label_map(tmp_path):
    path = save(tmp_path / "a.nii", VALUES / 2)
    with pytest.raises(MedgraftError, match="no label map"):
        open_sample("mask", str(path))


def test_a_header_that_promises_too_much_is_refused_before_anything_is_unpacked(tmp_path):
    content = bytearray(gzip.decompress(save(tmp_path / "a.nii.gz").read_bytes()))
    content[42:48] = np.array([32000, 32000, 32000], "<i2").tobytes()
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(MedgraftError, match=r"b\.nii\.gz.*promises"):
        read(tmp_path / "b.nii.gz", require_label=False)


def test_a_stream_of_more_than_the_header_promises_is_not_unpacked(tmp_path):
    content = gzip.decompress(save(tmp_path / "a.nii.gz").read_bytes())
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content + bytes(2**28)))
    assert open_sample("volume", str(tmp_path / "b.nii.gz")).values.tolist() == VALUES.tolist()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@FUZZ
@given(data=st.data())
def test_damaged_files_give_a_volume_or_one_sentence(tmp_path_factory, suffix, data):
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"cut{suffix}"
    content = save(folder / f"whole{suffix}").read_bytes()
    path.write_bytes(data.draw(damage(content, head=348)))
    read_or_sentence(path, "volume")


def test_metres_become_millimetres_and_complex_values_are_refused(tmp_path):
    image = nib.Nifti1Image(VALUES, np.diag([0.001, 0.002, 0.003, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "a.nii")
    assert np.allclose(open_sample("volume", str(tmp_path / "a.nii")).spacing, (1, 2, 3))
    nib.save(nib.Nifti1Image((VALUES + 1j).astype(np.complex64), np.eye(4)), tmp_path / "b.nii")
    with pytest.raises(MedgraftError, match="complex"):
        open_sample("volume", str(tmp_path / "b.nii"))
