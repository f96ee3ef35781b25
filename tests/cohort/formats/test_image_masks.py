"""Folders of pictures with folders of masks beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import detect


def _write(root: Path, *files: str) -> Path:
    for k, file in enumerate(files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), k, np.uint8)).save(root / file)
    return root


@pytest.mark.parametrize("masks", ["masks", "labels", "Segmentations"])
def test_pictures_and_masks_of_one_name_are_pairs_whatever_their_suffix(tmp_path, masks):
    _write(tmp_path, "images/a.jpg", "images/b.png", f"{masks}/a.png", f"{masks}/b_mask.bmp")
    cohort = read(tmp_path, require_label=False)
    assert detect(tmp_path).name == "image_masks"
    assert cohort.media == {"image": "image", "mask": "mask"} and cohort.kind == "image"
    assert [Path(m).name for m in cohort.table["mask"]] == ["a.png", "b_mask.bmp"]
    assert cohort.open("mask", 0).shape == (4, 6)


def test_a_picture_without_a_mask_is_kept_and_a_mask_without_a_picture_is_told(tmp_path):
    _write(tmp_path, "images/a.png", "images/b.png", "masks/a.png", "masks/z.png")
    cohort = read(tmp_path, require_label=False)
    assert cohort.table["mask"].isna().tolist() == [False, True]
    said = "1 masks have no picture of the same name, the first being 'z.png'"
    assert any(said in w for w in cohort.warnings)


def test_folders_inside_are_matched_too_and_a_table_beside_is_told(tmp_path):
    _write(tmp_path, "images/p1/a.png", "images/p2/a.png", "masks/p1/a.png", "masks/p2/a.png")
    (tmp_path / "manifest.csv").write_text("file,patient\nimages/p1/a.png,1\n")
    cohort = read(tmp_path, require_label=False)
    rows = cohort.table.itertuples()
    pairs = [(Path(r.image).parent.name, Path(r.mask).parent.name, r.folder) for r in rows]
    assert pairs == [("p1", "p1", "p1"), ("p2", "p2", "p2")]
    assert any("'manifest.csv'" in w for w in cohort.warnings)


def test_two_masks_of_a_picture_are_refused(tmp_path):
    _write(tmp_path, "images/a.png", "masks/a.png", "masks/a_seg.png")
    with pytest.raises(MedgraftError, match="masks of one picture"):
        read(tmp_path, require_label=False)


def test_class_folders_are_still_classes(tmp_path):
    _write(tmp_path, "images/a.png", "healthy/b.png")
    assert detect(tmp_path).name == "image_folder"
