from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixels.processing import apply_rescale, apply_windowing
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import decode_image, read
from medgraft.cohort.formats import load
from medgraft.cohort.formats.dicom_stack import gaps
from medgraft.cohort.media import open_sample


def write(path: Path, values: np.ndarray, series: str = "1.2.3", **tags: object) -> Path:
    """Write one slice; tags that are None are left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    ds.SeriesInstanceUID, ds.PatientID, ds.Modality = series, "P1", "CT"
    ds.Rows, ds.Columns = values.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 1
    ds.RescaleSlope, ds.RescaleIntercept = 2, -1000
    ds.PixelSpacing = [0.5, 0.25]
    ds.PixelData = values.astype("<i2").tobytes()
    for name, value in tags.items():
        if value is None:
            del ds[name]
        else:
            setattr(ds, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


AXIAL = [1, 0, 0, 0, 1, 0]


def a_stack(folder: Path, heights=(0, 3, 6, 9), axes=AXIAL, **tags: object) -> np.ndarray:
    rng = np.random.default_rng(0)
    planes = rng.integers(-500, 500, (len(heights), 4, 5))
    normal = np.cross(axes[:3], axes[3:])
    for k in rng.permutation(len(heights)):
        place = (np.array([10.0, 20.0, 30.0]) + heights[k] * normal).tolist()
        tags = {"ImagePositionPatient": place, "ImageOrientationPatient": axes, **tags}
        write(folder / f"{rng.integers(10**9)}.dcm", planes[k], **(tags | {"ImagePositionPatient": place}))
    return planes


@pytest.mark.parametrize("axes", [AXIAL, [0, 1, 0, 0, 0, -1], [-1, 0, 0, 0, 0.6, 0.8], [0, 1, 0, 1, 0, 0]])
def test_every_voxel_of_a_stack_lies_where_its_slice_says(tmp_path, axes):
    planes = a_stack(tmp_path, axes=axes)
    cohort = read(tmp_path, require_label=False)
    assert cohort.n == 1
    volume = cohort.open("volume", 0)
    assert sorted(np.round(volume.spacing, 6)) == [0.25, 0.5, 3.0]
    inverse = np.linalg.inv(volume.affine)
    row, column = np.array(axes[:3]), np.array(axes[3:])
    for k, r, c in [(0, 0, 0), (3, 3, 4), (1, 2, 3)]:
        normal = np.cross(row, column)
        lps = np.array([10.0, 20, 30]) + 3 * k * normal + c * 0.25 * row + r * 0.5 * column
        at = inverse @ np.append(lps * [-1, -1, 1], 1)
        assert volume.values[tuple(np.rint(at[:3]).astype(int))] == planes[k, r, c] * 2 - 1000


def test_the_axes_of_a_volume_run_to_the_right_the_front_and_upwards(tmp_path):
    a_stack(tmp_path)
    affine = read(tmp_path, require_label=False).open("volume", 0).affine
    assert (np.diag(affine)[:3] > 0).all()
    assert np.allclose(affine[:3, :3], np.diag(np.diag(affine)[:3]))


def test_a_missing_slice_is_told_with_its_distances(tmp_path):
    a_stack(tmp_path, heights=(0, 3, 9, 12))
    _, said = load_with_warnings(tmp_path)
    assert any("3 to 6 mm apart" in s for s in said)
    assert gaps(np.array([0, 3, 9.0, 12])).tolist() == [3, 6, 3]


def load_with_warnings(path):
    said: list[str] = []
    return load(path, said.append)[0], said


def test_slices_at_one_position_are_images_and_no_volume(tmp_path):
    values = np.zeros((4, 5))
    for k in range(3):
        write(tmp_path / f"{k}.dcm", values, ImagePositionPatient=[0, 0, 0], ImageOrientationPatient=AXIAL)
    assert read(tmp_path, require_label=False).kinds == ("image",)


def test_a_picture_shows_the_window_as_pydicom_does(tmp_path):
    values = np.arange(20).reshape(4, 5) * 60 - 400
    path = write(tmp_path / "a.dcm", values, WindowCenter=[-700, 0], WindowWidth=[900, 1])
    ds = pydicom.dcmread(path)
    oracle = apply_windowing(apply_rescale(ds.pixel_array, ds), ds, index=0)
    low, high = -(2**15) * 2 - 1000, (2**15 - 1) * 2 - 1000
    np.testing.assert_allclose(
        np.asarray(decode_image(path), float), (oracle - low) / (high - low) * 255, atol=0.5001
    )


def test_without_a_window_the_extremes_are_black_and_white_and_monochrome1_is_inverted(tmp_path):
    values = np.arange(20).reshape(4, 5)
    plain = np.asarray(decode_image(write(tmp_path / "a.dcm", values)))
    assert (plain.min(), plain.max(), plain[0, 0]) == (0, 255, 0)
    turned = np.asarray(
        decode_image(write(tmp_path / "b.dcm", values, PhotometricInterpretation="MONOCHROME1"))
    )
    assert turned[0, 0] == 255
    assert np.abs(plain.astype(int) + turned - 255).max() <= 1


def test_frames_are_counted_from_nought_and_kind_image_reads_each(tmp_path):
    frames = np.arange(3 * 20).reshape(3, 4, 5)
    path = write(tmp_path / "a.dcm", frames, NumberOfFrames=3)
    assert read(path, require_label=False).open("volume", 0).values.shape == (5, 4, 3)
    cohort = read(path, require_label=False, kind="image")
    assert [c.split("::")[1] for c in cohort.table["image"]] == ["frame=0", "frame=1", "frame=2"]
    with pytest.raises(MedgraftError, match="3 frames"):
        open_sample("image", f"{path}::frame=3")


def test_a_name_in_the_header_is_told_but_never_read_into_the_table(tmp_path):
    write(
        tmp_path / "a.dcm",
        np.zeros((4, 5)),
        PatientName="Doe^Jane",
        PatientBirthDate="19700101",
        PatientAge="018M",
    )
    write(tmp_path / "b.dcm", np.zeros((4, 5)), "1.2.4", PatientName="X", PatientIdentityRemoved="YES")
    frame, _ = load_with_warnings(tmp_path)
    assert frame["identified"].tolist() == [True, False]
    assert frame["age"].tolist()[0] == 1.5
    assert "Doe" not in frame.to_csv() and "19700101" not in frame.to_csv()


def test_patients_sites_and_class_folders_are_roles(tmp_path):
    for label in ("ill", "well"):
        for p in range(3):
            write(
                tmp_path / label / f"{p}.dcm",
                np.zeros((4, 5)),
                f"1.2.{p}.{len(label)}",
                PatientID=f"{label}{p}",
                Manufacturer="ACME",
            )
    cohort = read(tmp_path, domain="auto")
    assert (cohort.label, cohort.group, cohort.domain) == ("label", "patient", "manufacturer")


def test_absurd_headers_and_deflated_files_are_refused(tmp_path):
    path = write(tmp_path / "a.dcm", np.zeros((4, 5)), Rows=65535, Columns=65535)
    with pytest.raises(MedgraftError, match=r"a\.dcm.*promises"):
        decode_image(path)
    ds = pydicom.dcmread(write(tmp_path / "b.dcm", np.zeros((4, 5))))
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    ds.save_as(tmp_path / "b.dcm")
    with pytest.raises(MedgraftError, match="deflated"):
        read(tmp_path / "b.dcm", require_label=False)


@FUZZ
@given(data=st.data())
def test_damaged_files_give_a_volume_or_one_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole.dcm"
    if not whole.exists():
        write(whole, np.arange(60).reshape(3, 4, 5), NumberOfFrames=3, WindowCenter=20, WindowWidth=30)
    path = folder / "cut.dcm"
    path.write_bytes(data.draw(damage(whole.read_bytes(), head=900)))
    read_or_sentence(path)
    for kind in ("volume", "image", "mask"):
        try:
            assert open_sample(kind, str(path)) is not None
        except MedgraftError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("name", ["JPEG-LL", "693_J2KR", "OBXXXX1A_rle", "US1_J2KI", "RG3_J2KI", "MR2_J2KI"])
def test_compressed_files_damaged_in_their_pixels_end_in_a_sentence_or_an_image(shared_data, tmp_path, name):
    content = bytearray((shared_data("dicom_misc") / f"{name}.dcm").read_bytes())
    rng = np.random.default_rng(0)
    for trial in range(3):
        hurt = bytearray(content)
        for at in rng.integers(len(hurt) // 2, len(hurt), 5):
            hurt[at] = int(rng.integers(256))
        path = tmp_path / f"{trial}.dcm"
        path.write_bytes(hurt[: int(rng.integers(len(hurt) // 2, len(hurt)))] if trial else hurt)
        try:
            decode_image(path)
        except MedgraftError as error:
            assert str(path) in str(error)


def test_values_of_real_files_are_those_of_pydicom(shared_data):
    for name in ("693_UNCR", "693_J2KR", "explicit_VR-UN"):
        path = shared_data("dicom_misc") / f"{name}.dcm"
        ds = pydicom.dcmread(path)
        oracle = apply_rescale(ds.pixel_array, ds)
        volume = open_sample("volume", str(path)).values[:, :, 0]
        assert sorted(volume.ravel()) == sorted(oracle.astype(np.float32).ravel())


def test_a_segmentation_object_is_a_mask(shared_data):
    cohort = read(shared_data("dicom_misc"), require_label=False)
    row = int(np.flatnonzero(cohort.table["mask"].notna())[0])
    mask = cohort.open("mask", row)
    ds = pydicom.dcmread(shared_data("dicom_misc") / "liver.dcm")
    assert mask.shape == (512, 512, 3)
    assert (mask > 0).sum() == ds.pixel_array.sum()


def test_the_series_of_a_real_brain_are_sorted_and_placed_as_their_headers_say(shared_data):
    folder = shared_data("dicom_mr_brain") / "study3_T1post"
    volume = read(folder, require_label=False).open("volume", 0)
    for file in sorted(folder.glob("*.dcm"))[::7]:
        ds = pydicom.dcmread(file)
        lps = np.array(ds.ImagePositionPatient, float)
        at = np.rint((np.linalg.inv(volume.affine) @ np.append(lps * [-1, -1, 1], 1))[:3]).astype(int)
        assert volume.values[tuple(at)] == pytest.approx(float(apply_rescale(ds.pixel_array, ds)[0, 0]))


def test_a_file_of_absurdly_many_frames_is_refused_before_they_are_listed(tmp_path):
    path = write(tmp_path / "a.dcm", np.zeros((4, 5)), NumberOfFrames=30_000_000)
    with pytest.raises(MedgraftError, match=r"a\.dcm.*promises"):
        read(path, require_label=False, kind="image")


def test_a_slice_that_is_added_below_the_folder_is_seen(tmp_path):
    a_stack(tmp_path / "s", heights=(0, 3, 6))
    ref = read(tmp_path, require_label=False).table["volume"][0]
    assert open_sample("volume", ref).values.shape[2] == 3
    write(
        tmp_path / "s" / "more.dcm",
        np.zeros((4, 5)),
        ImagePositionPatient=[10, 20, 39],
        ImageOrientationPatient=AXIAL,
    )
    assert open_sample("volume", ref).values.shape[2] == 4


def test_a_header_that_is_cut_short_is_named(tmp_path):
    a_stack(tmp_path)
    whole = write(tmp_path / "cut.dcm", np.zeros((4, 5)))
    whole.write_bytes(whole.read_bytes()[:300])
    with pytest.raises(MedgraftError, match=r"cut\.dcm"):
        read(tmp_path, require_label=False)
