"""Cheng's brain tumours, in files that are written here in the published layout."""

from __future__ import annotations

import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from damaged import FUZZ, damage
from medgraft.base import MedgraftError
from medgraft.cohort import decode_image
from medgraft.cohort.media import open_sample
from medgraft.cohort.public import public_sets, read
from medgraft.cohort.public.cheng import brain_tumour_cheng
from small_slices import FIRST, write_slice

h5py = pytest.importorskip("h5py", reason="h5py reads MATLAB files of version 7.3")


def slices(folder, tumours=(1, 2, 3, 1), patients=("100360", "MR03", "100360 ", "X")):
    for number, tumour, patient in zip(FIRST, tumours, patients, strict=True):
        write_slice(folder / f"{number}.mat", tumour, patient, seed=number)
    return folder


def test_a_folder_becomes_images_with_tumour_and_patient(tmp_path):
    cohort = read("brain_tumour_cheng", local=slices(tmp_path))
    table = cohort.table.set_index("slice")
    assert table["label"].to_dict() == {1: "meningioma", 767: "glioma", 1533: "pituitary", 2299: "meningioma"}
    assert table["patient"].to_dict() == {1: "100360", 767: "MR03", 1533: "100360", 2299: "X"}
    assert cohort.kind == "image" and cohort.task == "multiclass" and cohort.group == "patient"
    groups = dict(zip(cohort.table["slice"], cohort.groups, strict=True))
    assert groups[1] == groups[1533] and len(set(groups.values())) == 3


def test_rows_and_columns_are_matlabs_and_grey_runs_from_the_least_to_the_most(tmp_path):
    image = np.array([[0, 100, 200], [1000, 300, 500]], np.int16)
    mask = np.array([[0, 0, 1], [0, 1, 0]], np.uint8)
    write_slice(tmp_path / "1.mat", 1, "a", image=image, mask=mask)
    with h5py.File(tmp_path / "1.mat") as file:
        assert file["cjdata/image"].shape == (3, 2)  # as MATLAB stores two rows of three
    (row,) = brain_tumour_cheng(tmp_path).to_dict("records")
    opened = decode_image(row["image"])
    assert opened.mode == "L" and opened.size == (3, 2)  # width, height
    np.testing.assert_array_equal(np.asarray(opened), np.rint(image / 1000 * 255))
    np.testing.assert_array_equal(open_sample("mask", row["mask"]), mask)


def test_the_outlines_can_be_the_label(tmp_path):
    cohort = read("brain_tumour_cheng", local=slices(tmp_path), task="segmentation", label=None)
    assert cohort.task == "segmentation"
    for i in range(cohort.n):
        assert cohort.open("mask", i).shape == cohort.open("image", i).size[::-1]
    assert not {"mask", "slice", "patient"} & set(cohort.features)


def test_the_download_s_archive_of_archives_is_read_and_the_folds_file_is_passed_over(tmp_path):
    made = slices(tmp_path / "made")
    with zipfile.ZipFile(tmp_path / "1512427.zip", "w") as outer:
        for number in FIRST:
            with zipfile.ZipFile(tmp_path / f"part_{number}.zip", "w") as inner:
                inner.write(made / f"{number}.mat", f"{number}.mat")
            outer.write(tmp_path / f"part_{number}.zip", f"brainTumorDataPublic_{number}.zip")
        outer.writestr("cvind.mat", b"no slice")
    kept = tmp_path / "kept"
    cohort = read("brain_tumour_cheng", local=tmp_path / "1512427.zip", folder=kept)
    assert sorted(cohort.table["slice"]) == list(FIRST)
    assert (kept / "brain_tumour_cheng" / "cvind.mat").exists()


def test_archives_unpacked_into_folders_of_their_own_are_all_read(tmp_path):
    for number in FIRST:
        write_slice(tmp_path / f"part {number}" / f"{number}.mat", 1 + number % 2, str(number))
    assert brain_tumour_cheng(tmp_path)["slice"].tolist() == list(FIRST)


def test_a_copy_without_one_of_the_archives_is_said_to_be_incomplete(tmp_path):
    (slices(tmp_path) / "1533.mat").unlink()
    with pytest.raises(
        MedgraftError, match=r"no complete copy of 'brain_tumour_cheng': it has no '1533\.mat'"
    ):
        read("brain_tumour_cheng", local=tmp_path)


def test_a_slice_that_is_there_twice_is_refused(tmp_path):
    slices(tmp_path)
    (tmp_path / "copy").mkdir()
    write_slice(tmp_path / "copy" / "767.mat", 2, "MR03", seed=767)
    with pytest.raises(MedgraftError, match="767.mat' have one number"):
        brain_tumour_cheng(tmp_path)


def _without(field):
    def change(file):
        del file[f"cjdata/{field}"]

    return change


def _instead(field, values):
    def change(file):
        del file[f"cjdata/{field}"]
        file[f"cjdata/{field}"] = values

    return change


def _linked(file):
    del file["cjdata/PID"]
    file["cjdata/PID"] = h5py.ExternalLink("other.mat", "cjdata/PID")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without("PID"), "has no 'cjdata/PID'"),
        (_without("label"), "has no 'cjdata/label'"),
        (_linked, "has no 'cjdata/PID'"),
        (_instead("label", [[4.0]]), r"label .* is \[4\.0\], not 1, 2 or 3"),
        (_instead("label", [[float("nan")]]), r"is \[nan\], not 1, 2 or 3"),
        (_instead("label", [[1.0, 2.0]]), "not 1, 2 or 3"),
        (_instead("label", "glioma"), "'cjdata/label' .* is no array of numbers"),
        (_instead("PID", [[100360.0]]), "does not name its patient as text"),
        (
            _instead("PID", np.zeros((2,), np.uint16)),
            "does not name its patient as text",
        ),  # MATLAB's empty text
    ],
)
def test_a_file_of_another_layout_is_named_in_one_sentence(tmp_path, change, sentence):
    with h5py.File(slices(tmp_path) / "767.mat", "a") as file:
        change(file)
    with pytest.raises(MedgraftError, match=sentence) as caught:
        brain_tumour_cheng(tmp_path)
    assert "767.mat" in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_of_other_matlab_files_is_refused(tmp_path):
    (tmp_path / "cvind.mat").touch()
    with pytest.raises(MedgraftError, match=r"no file named by its number"):
        brain_tumour_cheng(tmp_path)


def test_without_h5py_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    slices(tmp_path)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MedgraftError, match=r"need h5py: pip install 'medgraft\[omics\]'"):
        brain_tumour_cheng(tmp_path)


def test_damaged_files_give_a_slice_or_one_sentence(tmp_path):
    path = write_slice(tmp_path / "1.mat", 2, "100360")
    content = path.read_bytes()
    assert len(brain_tumour_cheng(tmp_path)) == 1

    @FUZZ
    @given(data=st.one_of(damage(content), damage(content, head=2048), st.binary(max_size=600)))
    def fuzz(data):
        path.write_bytes(data)
        try:
            (row,) = brain_tumour_cheng(tmp_path).to_dict("records")
            assert decode_image(row["image"]).mode == "L"
            assert open_sample("mask", row["mask"]).ndim == 2
            assert row["label"] in ("meningioma", "glioma", "pituitary") and row["patient"]
        except MedgraftError as error:
            assert "\n" not in str(error) and "1.mat" in str(error), str(error)

    fuzz()


def test_the_licence_and_the_article_are_told():
    entry = public_sets["brain_tumour_cheng"]
    assert entry.licence == "CC BY 4.0" and "1512427" in entry.doi and not entry.restricted
