"""Pascal VOC: a folder of pictures, and an XML file with boxes for each."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register, walk
from medgraft.cohort.formats.boxes import Corners, Picture, Pictures, box_table, number, one_line
from medgraft.cohort.formats.folders import absolute
from medgraft.cohort.formats.text import decode
from medgraft.cohort.media import first_line

_MAX_BYTES = 10_000_000  # of one XML file
_ROOT = re.compile(r"<([^?!\s/>]+)")  # the first tag that is no declaration or comment


def matches(path: Path) -> bool:
    """Whether a folder has a folder ``annotations`` (in any case) with VOC's XML files; never raises."""
    try:
        return path.is_dir() and any(map(_is_voc, _annotations(path)[:3]))
    except Exception:  # a folder that cannot be listed is of no format
        return False


def _annotations(folder: Path) -> list[Path]:
    return [f for f in walk(folder) if f.suffix.lower() == ".xml" and f.parent.name.lower() == "annotations"]


def _is_voc(file: Path) -> bool:
    with file.open("rb") as opened:
        content = opened.read(4096)
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    found = _ROOT.search(content.decode("utf-16" if wide else "latin-1", "replace"))
    return found is not None and found[1] == "annotation"


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per box: ``image`` (its crop), ``label``, ``picture``, corners, and the picture's size.

    VOC counts pixels from 1 and includes the last one; ``x1``, ``y1``, ``x2``, ``y2`` count from 0 and do
    not, so that x2 - x1 is the width of the crop: x1 = xmin - 1, x2 = xmax. A box at pixel 0, as tools
    that count from 0 write it, is clipped there. Pictures are found by their name anywhere in the folder,
    with another suffix if need be; XML files that name none are taken for the picture of their own name.

    The layout is that of Everingham et al. (2010), doi:10.1007/s11263-009-0275-4.

    Raises
    ------
    MedgraftError
        An XML file is damaged, larger than 10 MB, defines entities, or names a picture outside of the
        folder; or no box is left.
    """
    root = absolute(path)
    pictures = Pictures([root])
    found, others = [], 0
    for file in _annotations(root):
        tree = _parse(file)
        if tree.tag != "annotation":
            others += 1
            continue
        name = (tree.findtext("filename") or "").strip() or file.stem
        size = (number(tree.findtext("size/width")), number(tree.findtext("size/height")))
        boxes = [_box(item) for item in tree.findall("object")]
        found.append(Picture(name, pictures.find(name, file), size, boxes))
    if others:
        say(f"{others} XML files hold no annotation and are not used.")
    return box_table(root, found, say)


def _parse(file: Path) -> ET.Element:
    if file.stat().st_size > _MAX_BYTES:
        raise MedgraftError(f"'{file}' is larger than 10 MB, too large for the boxes of one picture.")
    try:
        # Parsed as text: then no encoding that the file declares can hide what is looked for here.
        text = decode(file.read_bytes())
        if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
            raise MedgraftError(f"'{file}' defines a document type or entities, which boxes do not need.")
        return ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise MedgraftError(
            f"'{file}' cannot be read as XML ({first_line(error)}): is it damaged?"
        ) from error


def _box(item: ET.Element) -> tuple[str | None, Corners]:
    place = item.find("bndbox")
    keys = ("xmin", "ymin", "xmax", "ymax")
    x1, y1, x2, y2 = (math.nan if place is None else number(place.findtext(key)) for key in keys)
    return one_line(item.findtext("name") or "") or None, (x1 - 1, y1 - 1, x2, y2)


FORMAT = register(
    Format("voc", (), matches, read, roles={"image": "image", "label": "label", "group": "picture"})
)
