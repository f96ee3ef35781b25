"""Boxes in pictures: one sample per box, whatever file the boxes come from, and the crop that a box is."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Say, add_decoder, walk
from medgraft.cohort.images import is_image
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from PIL import Image

Corners = tuple[float, float, float, float]
_NOT_PICTURES = frozenset((".xml", ".json", ".csv", ".txt"))
_MAX_SIDE = 2**20  # pixels; more is no picture's size but a damaged number


@dataclass(frozen=True)
class Picture:
    """A picture that annotations name, and its boxes.

    Attributes
    ----------
    name : str
        As the annotations give it; for messages.
    file : Path or None
        Where it is; None where it was not found.
    size : (float, float)
        Width and height as stated; NaN where they are not.
    boxes : list of (str or None, corners)
        Label and x1, y1, x2, y2 in pixels from the upper left corner, 0-based, the last two exclusive.
    """

    name: str
    file: Path | None
    size: tuple[float, float]
    boxes: list[tuple[str | None, Corners]]


class Pictures:
    """The files below some folders, to be found by what annotations call them.

    Only files that `walk` lists are ever found, so that no name leads out of the folders.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._by_path: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for folder in folders:
            for file in walk(folder) if folder.is_dir() else ():
                if file.suffix.lower() in _NOT_PICTURES:
                    continue
                self._by_path.setdefault(file.relative_to(folder).as_posix(), file)
                self._by_name.setdefault(file.name, []).append(file)
                if is_image(file.name):
                    self._by_stem.setdefault(file.stem, []).append(file)

    def find(self, name: str, where: Path) -> Path | None:
        """Return the picture that the annotations in the file `where` call `name`, or None.

        It has that path, or that name in any folder, or that name with another suffix. Of several, the one
        that shares the most folders with `where` is taken; None if several do.

        Raises
        ------
        MedgraftError
            The name is absolute or leads upwards.
        """
        plain = name.replace("\\", "/")
        parts = plain.split("/")
        if ".." in parts or plain.startswith("/") or parts[0].endswith(":"):
            raise MedgraftError(
                f"'{where}' names the picture {name[:200]!r}, which may lie outside of its folder: "
                "give names below it."
            )
        if plain in self._by_path:
            return self._by_path[plain]
        last = parts[-1]
        found = self._by_name.get(last) or self._by_stem.get(Path(last).stem) or []
        shared = [len(os.path.commonpath([file, where])) for file in found]
        best = [file for file, n in zip(found, shared, strict=True) if n == max(shared)]
        return best[0] if len(best) == 1 else None


def box_table(path: Path, pictures: Sequence[Picture], say: Say) -> pd.DataFrame:
    """Return one row per box: its crop, label, picture and corners, and the picture's size.

    Columns: ``image``, ``label``, ``picture``, ``x1``, ``y1``, ``x2``, ``y2``, ``width``, ``height``.
    ``image`` is a reference to the crop, ``picture`` the file's name (its path where names repeat), and width
    and height are the picture's, from its file where that can be read. What does not fit is clipped, or
    left out, with a warning.

    Raises
    ------
    MedgraftError
        No picture was found, or no box is left.
    """
    lost = [p.name for p in pictures if p.file is None]
    used = [(p, p.file) for p in pictures if p.file is not None]
    if not used:
        raise MedgraftError(
            f"None of the {len(lost)} pictures that '{path}' names lies in its folder"
            + (f", the first being {lost[0][:200]!r}" if lost else "")
            + ": put the pictures beside the annotations."
        )
    names = _names([file for _, file in used])
    rows: list[tuple[object, ...]] = []
    clipped = dropped = empty = 0
    differ, unknown = [], []
    for (picture, file), name in zip(used, names, strict=True):
        if not picture.boxes:
            empty += 1
            continue
        stated, actual = _stated(picture.size), _size(str(file))
        size = actual or stated
        if size is None:
            unknown.append(name)
            continue
        if stated is not None and stated != size:
            differ.append(name)
        for label, corners in picture.boxes:
            inside = _clip(corners, size)
            if inside is None or not label:
                dropped += 1
                continue
            clipped += inside != corners
            box = ",".join(f"{value:.10g}" for value in inside)
            rows.append((str(Ref(file, box=box)), label, name, *inside, *size))
    _say(say, lost, "pictures that the annotations name were not found, or several have the name")
    _say(say, unknown, "pictures cannot be read and state no size; their boxes were left out")
    _say(say, differ, "pictures are not of the size that their annotations state: check their boxes")
    if empty:
        say(f"{empty} pictures have no boxes and give no samples.")
    if clipped:
        say(f"{clipped} boxes reach beyond their picture and were clipped.")
    if dropped:
        say(f"{dropped} boxes are empty, reversed, outside of their picture or unlabelled and were left out.")
    if not rows:
        raise MedgraftError(f"'{path}' has no box with a label that lies in a picture of its folder.")
    frame = pd.DataFrame(
        rows, columns=["image", "label", "picture", "x1", "y1", "x2", "y2", "width", "height"]
    )
    for column in ("x1", "y1", "x2", "y2"):
        if (frame[column] % 1 == 0).all():
            frame[column] = frame[column].astype("int64")
    return frame


def number(value: Any) -> float:
    """Return a stranger's value as a number; NaN where it is none."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def one_line(text: object) -> str:
    """Return a text without breaks and repeated blanks.

    Examples
    --------
    >>> one_line(" white  blood\\n cell ")
    'white blood cell'
    """
    whole = str(text).encode("utf-8", "replace").decode()  # JSON can hold halves of characters
    return " ".join(whole.split())


def _say(say: Say, names: list[str], what: str) -> None:
    if names:
        say(f"{len(names)} {what}; the first is {names[0][:200]!r}.")


def _names(files: list[Path]) -> list[str]:
    """Names of pictures, or paths below the folder that they share where two have the same name."""
    names = {file: file.name for file in files}
    if len(set(names.values())) < len(names):
        root = os.path.commonpath([file.parent for file in files])
        names = {file: file.relative_to(root).as_posix() for file in files}
    return [names[file] for file in files]


def _stated(size: tuple[float, float]) -> tuple[int, int] | None:
    return (int(size[0]), int(size[1])) if all(1 <= side <= _MAX_SIDE for side in size) else None


def _size(file: str) -> tuple[int, int] | None:
    """Width and height of a picture as it is decoded, without decoding it; None where Pillow cannot say."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                width, height = image.size
                # Only of a JPEG is the turn known without decoding.
                turned = image.format == "JPEG" and image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:  # what is wrong with a picture is said by those who decode it
        return None
    return (height, width) if turned else (width, height)


def _clip(corners: Corners, size: tuple[int, int]) -> Corners | None:
    """Return the part of a box inside a picture, to a thousandth of a pixel; None where there is none."""
    if not all(math.isfinite(value) for value in corners):
        return None
    x1, y1, x2, y2 = corners
    x1, y1, x2, y2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(size[0])), min(y2, float(size[1]))
    return (x1, y1, x2, y2) if x2 - x1 >= 1e-3 and y2 - y1 >= 1e-3 else None


def opens(ref: Ref) -> bool:
    """Whether a reference is to a box of a picture."""
    return "box" in ref.parts


def open_box(ref: Ref) -> Image.Image:
    """Return the pixels that a box touches: corners are rounded outwards and clipped to the picture.

    The rest of the reference may be anything that is an image; it is decoded once for boxes in a row.

    Raises
    ------
    MedgraftError
        The picture cannot be decoded, the box is not four numbers, or nothing of it is in the picture.
    """
    corners = ref.numbers("box")
    if len(corners) != 4:
        raise MedgraftError(f"The reference '{ref}' needs box=x1,y1,x2,y2.")
    rest = str(Ref(ref.path, **{key: value for key, value in ref.parts.items() if key != "box"}))
    file = Path(ref.path)
    state = file.stat() if file.exists() else None
    picture = _decoded(rest, *((state.st_mtime_ns, state.st_size) if state else (0, 0)))
    x1, y1 = (max(0, math.floor(value)) for value in corners[:2])
    x2, y2 = min(picture.width, math.ceil(corners[2])), min(picture.height, math.ceil(corners[3]))
    if x1 >= x2 or y1 >= y2:
        raise MedgraftError(
            f"The box of '{ref}' holds nothing of the picture of {picture.width} x {picture.height} pixels."
        )
    return picture.crop((x1, y1, x2, y2))


@lru_cache(maxsize=1)
def _decoded(text: str, changed: int, size: int) -> Image.Image:
    """Decode a picture; the file's time and size make the key."""
    from medgraft.cohort.images import decode_image

    return decode_image(text)


DECODER = add_decoder(Decoder("box", "image", opens, open_box))
