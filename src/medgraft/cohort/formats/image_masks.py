"""A folder of pictures, and beside it one of their masks: ``images/`` and ``masks/``."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register
from medgraft.cohort.formats.folders import IMAGES, MASKS, absolute, data_files
from medgraft.cohort.images import is_image

_ENDING = re.compile(r"[_-](masks?|seg|segmentation|labels?|gt)$", re.IGNORECASE)


def matches(path: Path) -> bool:
    """Whether a folder holds a folder of pictures and one of masks, and some names agree; never raises."""
    try:
        if not path.is_dir():
            return False
        pictures, masks = _below(path, IMAGES), _below(path, MASKS)
        return not {_name(f, root) for root, f in pictures}.isdisjoint({_bare(f, root) for root, f in masks})
    except Exception:  # a folder that cannot be listed is of no format
        return False


def _below(path: Path, names: tuple[str, ...]) -> list[tuple[Path, Path]]:
    """Return (folder, picture) of the pictures in the first-level folders of such names."""
    roots = {p for p in path.iterdir() if p.is_dir() and p.name.lower() in names}
    found = [(path / f.relative_to(path).parts[0], f) for f in data_files(path) if is_image(f.name)]
    return [(root, file) for root, file in found if root in roots]


def _name(file: Path, root: Path) -> str:
    """Return the place of a picture below its folder, without suffix: what it shares with its mask."""
    return file.relative_to(root).with_suffix("").as_posix()


def _bare(file: Path, root: Path) -> str:
    return _ENDING.sub("", _name(file, root))


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per picture: ``image``, ``file``, ``mask``, and ``folder`` where folders lie inside.

    The mask has the picture's name, whatever its suffix, or that name with ``_mask``, ``_seg`` or the like
    behind it. A picture without one is kept, its mask missing.

    Raises
    ------
    MedgraftError
        A picture has two masks.
    """
    root = absolute(path)
    masks: dict[str, Path] = {}
    for folder, file in _below(root, MASKS):
        other = masks.setdefault(_bare(file, folder), file)
        if other != file:
            raise MedgraftError(f"'{other}' and '{file}' are masks of one picture: remove one of them.")
    rows, taken = [], set()
    for folder, file in _below(root, IMAGES):
        name = _name(file, folder)
        taken.add(name)
        mask = str(masks[name]) if name in masks else None
        row = {"image": str(file), "file": file.relative_to(root).as_posix(), "mask": mask}
        rows.append(row | _folder(name))
    lone = sorted(str(masks[name].name) for name in set(masks) - taken)
    if lone:
        say(f"{len(lone)} masks have no picture of the same name, the first being '{lone[0]}'.")
    if any("folder" in row for row in rows):
        say(
            "The folder of pictures holds folders of its own; if each is a patient, say --group folder, so "
            "that no patient is on both sides of a split."
        )
    endings = (".csv", ".tsv", ".xlsx", ".parquet")
    tables = sorted(p.name for p in root.iterdir() if p.suffix.lower() in endings)
    if tables:
        say(
            f"The table '{tables[0]}' beside the pictures is not read: if it names patients, give it instead "
            "of the folder, with --image and --mask."
        )
    return pd.DataFrame(rows).astype({"mask": "str"})


def _folder(name: str) -> dict[str, str | None]:
    return {"folder": name.split("/")[0]} if "/" in name else {}


FORMAT = register(Format("image_masks", (), matches, read, roles={"image": "image", "mask": "mask"}))
