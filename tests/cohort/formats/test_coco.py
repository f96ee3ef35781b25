"""COCO: the boxes of one JSON file, and everything that may be wrong with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import generate
from medgraft.cohort.formats import coco, load
from medgraft.cohort.images import decode_image

PIXELS = np.arange(200, dtype=np.uint8).reshape(10, 20)  # pixel (x, y) is 20 y + x
IMAGES = [{"id": 7, "file_name": "a.png", "width": 20, "height": 10}]
KINDS = [{"id": 1, "name": "RBC"}, {"id": 2, "name": "white\n cell"}]


def box(*bbox, image=7, kind=1):
    return {"id": 1, "image_id": image, "category_id": kind, "bbox": list(bbox)}


def content(*boxes, images=IMAGES, kinds=KINDS):
    return json.dumps({"images": images, "annotations": boxes, "categories": kinds})


@pytest.fixture
def write(tmp_path):
    def write(text, place="set.json", picture="a.png"):
        for file in (tmp_path / place, tmp_path / picture):
            file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS).save(tmp_path / picture)
        (tmp_path / place).write_text(text, encoding="utf-8")
        return tmp_path / place

    return write


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def test_a_box_is_its_corner_and_its_size(write):
    frame, entry, said = _load(write(content(box(2, 1, 3, 2), box(0, 0, 1, 1, kind=2))))
    assert entry.name == "coco" and said == [] and frame["label"].tolist() == ["RBC", "white cell"]
    assert frame.iloc[0, 2:].tolist() == ["a.png", 2, 1, 5, 3, 20, 10]
    assert np.asarray(decode_image(frame["image"][0])).tolist() == [[22, 23, 24], [42, 43, 44]]


def test_fractions_of_pixels_stay_in_the_table_and_the_crop_holds_all_that_is_touched(write):
    frame, _, _ = _load(write(content(box(0.1, 1.5, 0.9, 1.0), box(10.1, 0, 2.9, 1))))
    assert frame[["x1", "y1", "x2", "y2"]].values.tolist() == [[0.1, 1.5, 1.0, 2.5], [10.1, 0, 13, 1]]
    assert np.asarray(decode_image(frame["image"][0])).tolist() == [[20], [40]]
    assert np.asarray(decode_image(frame["image"][1])).tolist() == [[10, 11, 12]]


@pytest.mark.parametrize(
    ("place", "picture", "name"),
    [
        ("set.json", "train/x/a.png", "x/a.png"),
        ("set.json", "train/a.png", "a.png"),
        ("boxes/set.json", "images/a.png", "a.png"),
        ("annotations/train.json", "train2017/a.png", "a.png"),
        ("set.json", "a.png", "a.jpg"),
    ],
)
def test_pictures_are_found_where_such_sets_have_them(write, place, picture, name):
    path = write(content(box(0, 0, 2, 2), images=[{"id": 7, "file_name": name}]), place, picture)
    frame, _, _ = _load(path)
    assert frame["picture"].tolist() == ["a.png"] and decode_image(frame["image"][0]).size == (2, 2)


def test_boxes_that_cannot_be_are_left_out_and_counted(write):
    bad = [
        box(0, 0, 1, 1, image=8), box(0, 0, 1, 1, kind=9), box(0, 0, 1, 1, image=[7]),
        box(float("nan"), 0, 1, 1),
        box(0, 0, -2, 1), box(0, 0, 0, 1), box(1, 2, 3), box(1e308, 0, 1e308, 1), box("x", 0, 1, 1),
        {"image_id": 7, "category_id": 1}, box(50, 0, 5, 5),
    ]  # fmt: skip
    frame, _, said = _load(write(content(box(0, 0, 1, 1), box(18, 8, 1e6, 1e6), *bad)))
    assert frame[["x1", "x2", "y2"]].values.tolist() == [[0, 1, 1], [18, 20, 10]]
    assert [s.split()[0] for s in said] == ["3", "1", "8"] and "unknown" in said[0] and "clipped" in said[1]
    with pytest.raises(MedgraftError, match=r"set\.json' has no box"):
        _load(write(content(*bad)))


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "x/../../a.png", "C:\\a.png"])
def test_names_that_lead_out_of_the_folder_are_refused(write, name):
    with pytest.raises(MedgraftError, match=r"set\.json' names the picture .* outside"):
        _load(write(content(box(0, 0, 1, 1), images=[{"id": 7, "file_name": name}])))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (content(images=IMAGES * 2), "'images' .* has the id '7' twice"),
        (content(kinds=[{"name": "x"}]), "'categories' .* whose id is no number"),
        (content(images=["a.png"]), "'images' .* no objects"),
        (content()[:-1], "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ('{"images": ' + "1" * 5000 + "}", "cannot be read as JSON"),
        ("{}", "is no COCO file"),
        (content(box(0, 0, 1, 1), images=[{"id": 7, "file_name": "b.png"}]), "None of the 1 pictures"),
        (content(box(0, 0, 1, 1), images=[{"id": 7, "file_name": None}]), "None of the 1 pictures"),
    ],
)
def test_what_is_no_coco_file_is_refused_by_name(write, text, match):
    with pytest.raises(MedgraftError, match=match) as error:
        _load(write(text))
    assert "set.json" in str(error.value) and "\n" not in str(error.value)


def test_a_file_of_more_than_500_mb_is_refused_unread(write):
    path = write("{")
    with path.open("r+b") as file:
        file.truncate(500_000_001)  # takes no room on disk
    with pytest.raises(MedgraftError, match="is larger than 500 MB"):
        _load(path)


def test_long_lists_are_recognised_by_both_ends_of_the_file(write):
    images = [{"id": i, "file_name": "a.png"} for i in range(5000)]
    assert coco.matches(write(content(*[box(0, 0, 1, 1)] * 3000, images=images)))
    assert not coco.matches(write('{"images": 1, "annotations": 2}'))
    assert not coco.matches(write("[" + content() + "]"))


def test_generated_cells_come_back_with_their_boxes(tmp_path):
    made = generate.coco(tmp_path, 3)
    frame, _, said = _load(tmp_path / "annotations.json")
    assert said == [] and set("images/" + frame["picture"]) == set(made.table["file"])
    assert frame[["label", "x1", "y1", "x2", "y2"]].values.tolist() == (
        made.table[["label", "xmin", "ymin", "xmax", "ymax"]].values.tolist()
    )


@FUZZ
@given(content=damage(content(box(2, 1, 3, 2), box(0, 0, 90, 1, kind=2)).encode()))
def test_damaged_files_give_boxes_or_one_sentence(tmp_path_factory, content):
    root = tmp_path_factory.getbasetemp() / "coco_fuzz"
    root.mkdir(exist_ok=True)
    if not (root / "a.png").exists():
        Image.fromarray(PIXELS).save(root / "a.png")
    (root / "set.json").write_bytes(content)
    read_or_sentence(root / "set.json", "image", files=(root / "a.png",))
