"""Images that teach nothing leave a cohort, and nothing else does."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from medgraft.base import MedgraftError
from medgraft.cohort import generate, quality, read


@pytest.fixture
def folder(tmp_path):
    """40 images of stripes, and one of every fault at the end of the manifest."""
    made = generate.images(tmp_path, 40, content="texture", size=96)
    table = pd.read_csv(tmp_path / "manifest.csv")
    first = tmp_path / table["file"][0]
    faults = tmp_path / "faults"
    faults.mkdir()
    Image.new("L", (96, 96), 0).save(faults / "black.png")
    Image.new("L", (96, 96), 130).save(faults / "flat.png")
    white = np.asarray(Image.open(first)).copy()
    white[:70] = 255
    Image.fromarray(white).save(faults / "saturated.png")
    # Blurred from an image of its own, or it would be a near copy as well.
    own = generate.images(tmp_path / "other", 1, content="shape", size=96, seed=7)
    Image.open(own.path / own.table["file"][0]).filter(ImageFilter.GaussianBlur(6)).save(
        faults / "blurred.png"
    )
    shutil.copy(first, faults / "copy.png")
    shutil.rmtree(tmp_path / "other")
    Image.open(tmp_path / table["file"][1]).save(faults / "near.jpg", quality=80)
    (faults / "broken.png").write_bytes(first.read_bytes()[:300])
    names = ["black.png", "flat.png", "saturated.png", "blurred.png", "copy.png", "near.jpg", "broken.png"]
    more = pd.DataFrame(
        {"file": [f"faults/{n}" for n in names], "label": "ill", "patient": [f"X{n}" for n in names]}
    )
    pd.concat([table, more.assign(site="a", sex="male", age=50)]).to_csv(
        tmp_path / "manifest.csv", index=False
    )
    assert len(made.table) == 40
    return tmp_path


def _read(folder):
    return read(folder / "manifest.csv", label="label", image="file")


def test_every_planted_fault_is_dropped_with_its_reason_and_no_other_image(folder):
    cohort = _read(folder)
    kept, report = quality.drop(cohort)
    why = dict(report.dropped)
    assert sorted(why) == [40, 41, 42, 43, 44, 45, 46] and report.kept == tuple(range(40))
    for row, words in (
        (40, "black or of one colour"),
        (41, "black or of one colour"),
        (42, "saturated"),
        (43, "blurred"),
        (44, "it is a copy of row 0"),
        (45, "it is nearly a copy of row 1"),
        (46, "cannot be opened"),
    ):
        assert words in why[row]
    assert kept.n == 40 and (kept.table["file"] == cohort.table["file"][:40]).all()
    assert kept.label == cohort.label and kept.classes == cohort.classes
    assert any("40 of 47 images were kept" in w for w in kept.warnings)
    assert cohort.n == 47


def test_each_fault_can_be_kept(folder):
    cohort = _read(folder)
    options = {"blank": False, "saturated": False, "blurred": False, "duplicates": "none"}
    _, report = quality.drop(cohort, **options)
    assert dict(report.dropped) == {46: "it cannot be opened"}
    _, exact = quality.drop(cohort, **options | {"duplicates": "exact"})
    assert sorted(dict(exact.dropped)) == [44, 46]


def test_a_clean_cohort_stays_as_it_is(tmp_path):
    generate.images(tmp_path, 30, shift=1.0)
    cohort = read(tmp_path / "manifest.csv", label="label", image="file")
    kept, report = quality.drop(cohort)
    assert report.dropped == () and kept.n == 30 and kept.warnings == cohort.warnings


def test_a_class_that_loses_all_its_images_is_a_class_no_more(tmp_path):
    made = generate.images(tmp_path, 30, classes=("x", "y", "z"))
    for file in made.table.loc[made.table["label"] == "y", "file"]:
        Image.new("L", (64, 64)).save(tmp_path / file)
    cohort = read(tmp_path / "manifest.csv", label="label", image="file")
    kept, _ = quality.drop(cohort)
    assert kept.classes == ["x", "z"] and kept.n == 20 and set(kept.y) == {0, 1}
    assert any("No image is left of the classes 'y'" in w for w in kept.warnings)


def test_patients_without_an_image_stay(tmp_path):
    generate.several(tmp_path, 30, absent=0.3, size=32)
    table = pd.read_csv(tmp_path / "manifest.csv")
    cohort = read(tmp_path / "manifest.csv", label="label", image="image", sequence="sequence")
    kept, report = quality.drop(cohort)
    assert kept.n == len(table) and report.dropped == ()
    assert kept.table["image"].isna().sum() == table["image"].isna().sum() > 0


def test_what_cannot_be_done_is_refused_in_a_sentence(tmp_path):
    table = read(pd.DataFrame({"x": [1.0, 2, 3], "label": [0, 1, 1]}), label="label")
    with pytest.raises(MedgraftError, match="has no images"):
        quality.drop(table)
    made = generate.images(tmp_path, 4)
    cohort = read(tmp_path / "manifest.csv", label="label", image="file")
    with pytest.raises(MedgraftError, match="duplicates must be"):
        quality.drop(cohort, duplicates="some")
    for file in made.table["file"]:
        Image.new("L", (64, 64)).save(tmp_path / file)
    with pytest.raises(MedgraftError, match="Nothing would be left"):
        quality.drop(cohort)
