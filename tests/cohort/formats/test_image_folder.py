"""Folders of class folders."""

from __future__ import annotations

import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read


@pytest.fixture
def make(tmp_path):
    """Make empty files: reading must not look into them."""

    def make(*files):
        for file in files:
            path = tmp_path / "set" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
        (tmp_path / "set").mkdir(exist_ok=True)
        return tmp_path / "set"

    return make


def test_class_folders_are_classes_in_alphabetical_order_and_nothing_is_decoded(make):
    root = make("well/b.PNG", "well/a.jpg", "ill/z.tiff", "ill/.hidden.png", "ill/notes.txt", ".git/x.png")
    cohort = read(root)
    assert cohort.label == "label" and cohort.image == "image" and cohort.name == "set"
    assert cohort.table["file"].tolist() == ["ill/z.tiff", "well/a.jpg", "well/b.PNG"]
    assert cohort.table["image"].tolist() == [str(root / f) for f in cohort.table["file"]]
    assert set(cohort.classes) == {"ill", "well"} and cohort.task == "binary"
    assert cohort.group is None and "folder" not in cohort.table


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "png", "tif", "tiff", "bmp", "pgm", "JPG"])
def test_every_promised_suffix_is_an_image(make, suffix):
    assert read(make(f"a/1.{suffix}", f"b/1.{suffix}")).n == 2


def test_numbered_classes_are_in_numerical_order(make):
    assert read(make("10/a.png", "9/a.png", "1/a.png")).classes == ["1", "9", "10"]


def test_a_relative_path_gives_absolute_images(make, monkeypatch):
    root = make("a/1.png", "b/1.png")
    monkeypatch.chdir(root.parent)
    assert read("set").table["image"][0] == str(root / "a" / "1.png")
    monkeypatch.chdir(root)
    cohort = read(".")
    assert cohort.table["image"][0] == str(root / "a" / "1.png") and cohort.name == "set"


def test_folders_inside_class_folders_can_be_the_patients(make):
    root = make("ill/p1/1.png", "ill/p1/2.png", "ill/p2/1.png", "well/p3/1.png", "well/x.png")
    cohort = read(root, group="folder")
    assert cohort.table["folder"].fillna("none").tolist() == ["p1", "p1", "p2", "p3", "none"]
    assert len(set(cohort.groups)) == 4
    assert any("--group folder" in w for w in cohort.warnings)


def test_what_is_not_used_is_said(make):
    root = make("a/1.png", "b/1.png", "loose.png")
    (root / "empty").mkdir()
    cohort = read(root)
    assert cohort.warnings[:2] == (
        "The folders 'empty' hold no images and are no classes.",
        "1 images lie beside the class folders and are not used.",
    )


def test_a_folder_without_images_is_an_error(make):
    with pytest.raises(MedgraftError, match="holds no images"):
        read(make())
    with pytest.raises(MedgraftError, match="holds no images"):
        read(make("a/readme.txt"))


def test_training_and_testing_do_not_pass_for_classes(make):
    root = make(*(f"{part}/{c}/1.png" for part in ("Testing", "Training") for c in ("ill", "well")))
    with pytest.raises(MedgraftError, match=r"all hold the same folders .* such as '.*Training'"):
        read(root)


def test_one_class_folder_is_one_class_only(make):
    with pytest.raises(MedgraftError, match="one class only"):
        read(make("ill/1.png", "ill/2.png"))


def test_loose_images_can_be_predicted_on_but_not_learnt_from(make):
    root = make("1.png", "2.png")
    with pytest.raises(MedgraftError, match="one folder per class"):
        read(root)
    cohort = read(root, require_label=False)
    assert cohort.n == 2 and cohort.label is None and cohort.classes is None and cohort.kind == "image"


def test_an_image_column_is_for_manifests(make):
    with pytest.raises(MedgraftError, match="The image column .path. is not in"):
        read(make("a/1.png", "b/1.png"), image="path")
