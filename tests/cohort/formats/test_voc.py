"""Pascal VOC: each box is a sample, cut to the pixel; names never lead out of the folder."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from PIL import Image

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import generate
from medgraft.cohort.formats import load
from medgraft.cohort.images import decode_image
from medgraft.cohort.ref import Ref

WIDE, HIGH = 20, 10
PIXELS = np.arange(WIDE * HIGH, dtype=np.uint8).reshape(HIGH, WIDE)  # pixel (x, y) is 20 y + x
CELL = ("RBC", 3, 2, 5, 4)


def xml(boxes=(CELL,), filename="a.png", size=(WIDE, HIGH), head=""):
    objects = "".join(
        f"<object><name>{n}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for n, a, b, c, d in boxes
    )
    return (
        f"{head}<annotation><filename>{filename}</filename><size><width>{size[0]}</width>"
        f"<height>{size[1]}</height></size>{objects}</annotation>"
    )


@pytest.fixture
def write(tmp_path):
    def write(text=None, name="a", picture="pictures/a.png", **how):
        for file in (tmp_path / "Annotations" / f"{name}.xml", tmp_path / picture):
            file.parent.mkdir(parents=True, exist_ok=True)
        content = xml(**how) if text is None else text
        (tmp_path / "Annotations" / f"{name}.xml").write_text(content, encoding="utf-8")
        Image.fromarray(PIXELS).save(tmp_path / picture)
        return tmp_path

    return write


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def test_a_box_counts_from_1_and_includes_its_last_pixel(write):
    frame, entry, said = _load(write())
    assert entry.name == "voc" and said == [] and entry.roles["group"] == "picture"
    row = frame.iloc[0].to_dict()
    assert row.pop("image").endswith("pictures/a.png::box=2,1,5,4")
    assert row == {
        "label": "RBC", "picture": "a.png", "x1": 2, "y1": 1, "x2": 5, "y2": 4, "width": 20, "height": 10,
    }  # fmt: skip
    crop = np.asarray(decode_image(frame["image"][0]))
    assert crop.tolist() == [[22, 23, 24], [42, 43, 44], [62, 63, 64]]


def test_boxes_are_clipped_or_left_out_with_a_warning(write):
    boxes = [
        ("over", 19, 9, 25, 12), ("reversed", 5, 2, 3, 4), ("outside", 30, 2, 40, 4),
        ("none", "nan", 1, 2, 3),
        ("huge", 1, 1, "1e400", 3), ("word", "x", 1, 2, 3), ("", 1, 1, 2, 2), ("pixel", 4, 4, 4, 4),
        ("long", 1, 1, 10**300, 1),
    ]  # fmt: skip
    frame, _, said = _load(write(boxes=boxes))
    assert frame[["label", "x1", "y1", "x2", "y2"]].values.tolist() == [
        ["over", 18, 8, 20, 10], ["pixel", 3, 3, 4, 4], ["long", 0, 0, 20, 1],
    ]  # fmt: skip
    assert len(said) == 2 and said[0].startswith("2 boxes reach") and said[1].startswith("6 boxes are empty")
    assert np.asarray(decode_image(frame["image"][0])).tolist() == [[178, 179], [198, 199]]


def test_a_picture_is_found_by_another_suffix_or_by_the_name_of_the_xml_file(write):
    write(name="b", picture="pictures/b.png", filename="")
    assert _load(write(filename="somewhere/a.jpg"))[0]["picture"].tolist() == ["a.png", "b.png"]


def test_of_pictures_with_one_name_the_nearest_is_taken_or_none(tmp_path):
    for part in ("one", "two"):
        (tmp_path / part / "annotations").mkdir(parents=True)
        (tmp_path / part / "annotations" / "a.xml").write_text(xml())
        Image.fromarray(PIXELS).save(tmp_path / part / "a.png")
    frame, _, _ = _load(tmp_path)
    assert frame["picture"].tolist() == ["one/a.png", "two/a.png"]
    assert [Ref.parse(t).path for t in frame["image"]] == [
        str(tmp_path / p / "a.png") for p in ("one", "two")
    ]
    (tmp_path / "two" / "other").mkdir()
    (tmp_path / "two" / "a.png").rename(tmp_path / "two" / "other" / "a.png")
    Image.fromarray(PIXELS).save(tmp_path / "two" / "a.bmp")  # the exact name comes before another suffix
    assert _load(tmp_path)[0]["picture"].tolist()[1] == "two/other/a.png"


def test_absent_and_empty_pictures_and_wrong_sizes_are_said(write):
    write(name="b", filename="absent.png")
    write(name="c", picture="pictures/c.png", filename="c.png", boxes=())
    frame, _, said = _load(write(size=(40, 10)))
    assert len(frame) == 1 and frame["width"][0] == WIDE
    assert "'absent.png'" in said[0] and "'a.png'" in said[1] and "1 pictures have no boxes" in said[2]


def test_a_folder_without_its_pictures_is_refused(write):
    root = write()
    (root / "pictures" / "a.png").rename(root / "pictures" / "z.png")
    with pytest.raises(MedgraftError, match=r"None of the 1 pictures .* 'a\.png'"):
        _load(root)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "x/../../a.png", "..\\a.png", "C:\\a.png"])
def test_names_that_lead_out_of_the_folder_are_refused(write, name):
    with pytest.raises(MedgraftError, match=r"a\.xml' names the picture .* outside"):
        _load(write(filename=name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_any_encoding(write, encoding):
    bomb = '<!DOCTYPE z [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    root = write()
    file = root / "Annotations" / "a.xml"
    file.write_bytes((f"<?xml version='1.0' encoding='{encoding}'?>" + xml(head=bomb)).encode(encoding))
    with pytest.raises(MedgraftError, match=r"a\.xml' defines a document type or entities"):
        _load(root)
    file.write_bytes(xml(boxes=[("Körper", *CELL[1:])]).encode(encoding))
    assert _load(root)[0]["label"].tolist() == ["Körper"]


def test_an_xml_file_of_more_than_10_mb_is_refused_unread(write):
    with pytest.raises(MedgraftError, match=r"a\.xml' is larger than 10 MB"):
        _load(write(xml() + " " * 10_000_000))


def test_a_folder_of_other_xml_files_is_no_voc(write):
    assert _load(write("<note><annotation/></note>"))[1].name == "image_folder"


def test_a_box_with_nothing_in_the_picture_is_one_sentence(write):
    picture = write() / "pictures" / "a.png"
    assert decode_image(Ref(picture, box="-3,-3,1.5,0.5")).size == (2, 1)  # rounded outwards, clipped
    for box in ("20,0,25,5", "5,5,5,5", "6,2,3,4", "-9,-9,-1,-1"):
        with pytest.raises(MedgraftError, match="holds nothing of the picture of 20 x 10"):
            decode_image(Ref(picture, box=box))
    for box in ("1,2,3", "1,2,3,nan", "a"):
        with pytest.raises(MedgraftError, match="needs box="):
            decode_image(Ref(picture, box=box))
    with pytest.raises(MedgraftError, match=r"gone\.png"):
        decode_image(Ref(picture.with_name("gone.png"), box="1,2,3,4"))


def test_a_changed_picture_is_decoded_anew(write):
    picture = write() / "pictures" / "a.png"
    ref = Ref(picture, box="0,0,1,1")
    assert decode_image(ref).getpixel((0, 0)) == 0
    Image.fromarray(PIXELS[::-1] + 3).resize((40, 40), Image.Resampling.NEAREST).save(picture)
    assert decode_image(ref).getpixel((0, 0)) == 183


def test_boxes_of_an_upright_picture_follow_the_turn_that_its_exif_asks_for(write):
    root = write(filename="t.jpg", boxes=[("a", 1, 15, 10, 20)], size=(HIGH, WIDE))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(root / "pictures" / "t.jpg", exif=exif)
    frame, _, said = _load(root)
    assert frame[["width", "height", "y2"]].values.tolist() == [[HIGH, WIDE, 20]] and said == []
    assert decode_image(frame["image"][0]).size == (10, 6)


def test_generated_cells_come_back_with_their_boxes(tmp_path):
    made = generate.voc(tmp_path, 3)
    frame, _, said = _load(tmp_path)
    keys = ["label", "x1", "y1", "x2", "y2"]
    true = made.table.rename(columns=dict(zip(["xmin", "ymin", "xmax", "ymax"], keys[1:], strict=True)))
    assert frame[keys].values.tolist() == true[keys].values.tolist() and said == []


def test_the_blood_cells_are_those_of_the_list_beside_them(shared_data):
    root = shared_data("blood_cells_bccd")
    frame, entry, said = _load(root)
    assert entry.name == "voc" and len(frame) == 2184 and frame["picture"].nunique() == 150 and said == []
    assert frame["label"].value_counts().to_dict() == {"RBC": 1849, "Platelets": 180, "WBC": 155}
    listed = Counter(pd.read_csv(root / "boxes.csv").itertuples(index=False, name=None))
    frame = frame.assign(file="images/" + frame["picture"], xmin=frame["x1"] + 1, ymin=frame["y1"] + 1)
    found = frame[["file", "label", "xmin", "ymin", "x2", "y2"]].itertuples(index=False, name=None)
    assert Counter(found) == listed
    first = frame.iloc[0]
    crop = decode_image(first["image"])
    whole = np.asarray(Image.open(root / "images" / first["picture"]))
    np.testing.assert_array_equal(np.asarray(crop), whole[first.y1 : first.y2, first.x1 : first.x2])


@FUZZ
@given(content=damage(xml(boxes=[CELL, ("WBC", 1, 1, 30, 30)]).encode()))
def test_damaged_annotations_give_boxes_or_one_sentence(tmp_path_factory, content):
    root = tmp_path_factory.getbasetemp() / "voc_fuzz"
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    if not (root / "a.png").exists():
        Image.fromarray(PIXELS).save(root / "a.png")
        (root / "annotations" / "b.xml").write_text(xml())
    (root / "annotations" / "a.xml").write_bytes(content)
    read_or_sentence(root, "image")
