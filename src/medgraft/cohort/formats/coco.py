"""COCO: one JSON file with the pictures, the categories and the boxes of all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.boxes import Corners, Picture, Pictures, box_table, number, one_line
from medgraft.cohort.formats.folders import HEAD, absolute
from medgraft.cohort.media import first_line

_MAX_BYTES = 500_000_000
_KEYS = ("images", "annotations", "categories")
# The lists are long, so that a key may stand far from both ends of the file; its items then do not.
_SIGNS = (
    (b'"images"', b'"file_name"'),
    (b'"annotations"', b'"image_id"'),
    (b'"categories"', b'"category_id"'),
)


def matches(path: Path) -> bool:
    """Whether a .json file begins and ends as COCO's do; never raises."""
    try:
        if not (path.suffix.lower() == ".json" and path.is_file()):
            return False
        with path.open("rb") as file:
            ends = file.read(HEAD)
            file.seek(max(0, path.stat().st_size - HEAD))
            ends += file.read(HEAD)
    except OSError:
        return False
    start = ends.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"{") and all(any(sign in ends for sign in signs) for signs in _SIGNS)


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per box: ``image`` (its crop), ``label``, ``picture``, corners, and the picture's size.

    ``x1``, ``y1``, ``x2``, ``y2`` are x, y, x + width, y + height of COCO, in pixels from 0. Rows are in the
    order of the pictures. Pictures are looked for below the file's folder and in ``images`` beside that
    folder; below the folder above if the file's own is called ``annotations``. Boxes of unknown pictures or
    categories are left out with a warning.

    The layout is that of Lin et al. (2014), doi:10.1007/978-3-319-10602-1_48.

    Raises
    ------
    MedgraftError
        The file is damaged, larger than 500 MB, lacks one of the three lists, gives an id twice, or names a
        picture outside of its folders; or no box is left.
    """
    path = absolute(path)
    content = _parse(path)
    categories = {
        key: one_line(item.get("name", key)) or None
        for key, item in _by_id(path, content, "categories").items()
    }
    images = _by_id(path, content, "images")
    boxes: dict[int | str, list[tuple[str | None, Corners]]] = {key: [] for key in images}
    unknown = 0
    image: Any
    category: Any
    for item in _items(path, content, "annotations"):
        image, category = item.get("image_id"), item.get("category_id")
        known = isinstance(image, int | str) and isinstance(category, int | str)
        if known and image in boxes and category in categories:
            boxes[image].append((categories[category], _corners(item.get("bbox"))))
        else:
            unknown += 1
    if unknown:
        say(f"{unknown} boxes are of unknown pictures or categories and were left out.")
    above = path.parent.parent
    pictures = Pictures(
        [path.parent, above if path.parent.name.lower() == "annotations" else above / "images"]
    )
    found = []
    for key, item in images.items():
        name, size = str(item.get("file_name", "")), (number(item.get("width")), number(item.get("height")))
        found.append(Picture(name, pictures.find(name, path) if name else None, size, boxes[key]))
    return box_table(path, found, say)


def _parse(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_BYTES:
        raise MedgraftError(f"'{path}' is larger than 500 MB: cut it into files of fewer pictures.")
    try:
        content = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise MedgraftError(
            f"'{path}' cannot be read as JSON ({first_line(error)}): is it damaged?"
        ) from error
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in _KEYS):
        raise MedgraftError(
            f"'{path}' is no COCO file, the only kind of .json file that is read: it needs lists of images, "
            "annotations and categories."
        )
    return content


def _items(path: Path, content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    if not all(isinstance(item, dict) for item in content[key]):
        raise MedgraftError(f"The list '{key}' of '{path}' holds things that are no objects: is it damaged?")
    items: list[dict[str, Any]] = content[key]
    return items


def _by_id(path: Path, content: dict[str, Any], key: str) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    for item in _items(path, content, key):
        mark = item.get("id")
        if not isinstance(mark, int | str):
            raise MedgraftError(f"The list '{key}' of '{path}' has an item whose id is no number or text.")
        if mark in found:
            raise MedgraftError(f"The list '{key}' of '{path}' has the id {str(mark)[:50]!r} twice.")
        found[mark] = item
    return found


def _corners(box: object) -> Corners:
    values = [number(value) for value in box] if isinstance(box, list) else []
    if len(values) != 4 or not all(map(math.isfinite, values)) or values[2] <= 0 or values[3] <= 0:
        return math.nan, math.nan, math.nan, math.nan
    x, y, width, height = values
    # x + width of decimals is off by the last binary digits, which would cost a pixel when rounded outwards.
    return round(x, 3), round(y, 3), round(x + width, 3), round(y + height, 3)


FORMAT = register(
    Format("coco", (".json",), matches, read, roles={"image": "image", "label": "label", "group": "picture"})
)
