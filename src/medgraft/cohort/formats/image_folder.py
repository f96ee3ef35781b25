"""A folder with one folder of images for each class."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Format, Say, register, visible
from medgraft.cohort.images import SUFFIXES, is_image


def matches(path: Path) -> bool:
    """Whether a path is a folder."""
    return path.is_dir()


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per image, sorted by class and path; nothing is decoded.

    Columns: ``image`` (absolute path), ``file`` (path inside the folder), ``label`` (name of the class
    folder; absent when the images lie directly in the folder), and ``folder`` where class folders hold
    folders of their own, for example one for each patient. Hidden files and folders are not looked at.
    """
    root = Path(os.path.normpath(path.absolute()))  # not resolved: links keep the names that the user knows
    loose = sorted(p.name for p in root.iterdir() if p.is_file() and is_image(p.name))
    found = {
        folder.name: _images(folder)
        for folder in sorted(root.iterdir())
        if folder.is_dir() and visible(folder.name)
    }
    empty = [name for name, files in found.items() if not files]
    classes = {name: files for name, files in found.items() if files}
    if not classes and not loose:
        raise MedgraftError(
            f"The folder '{path}' holds no images ({', '.join(SUFFIXES)}): give a folder with one folder of "
            "images per class, or a table."
        )
    if not classes:
        return pd.DataFrame({"image": [str(root / name) for name in loose], "file": loose})
    _refuse_parts(path, classes)
    tables = sorted(
        p.name for p in root.iterdir() if p.suffix.lower() in (".csv", ".tsv", ".xlsx", ".parquet")
    )
    if len(classes) == 1 and tables:
        raise MedgraftError(
            f"'{path}' holds one folder of images and the table '{tables[0]}': give the table instead "
            "of the folder, with --image and --label."
        )
    if empty:
        say(f"The folders {', '.join(map(repr, empty))} hold no images and are no classes.")
    if loose:
        say(f"{len(loose)} images lie beside the class folders and are not used.")
    rows = [(str(root / c / f), f"{c}/{f}", c, _folder(f)) for c, files in classes.items() for f in files]
    frame = pd.DataFrame(rows, columns=["image", "file", "label", "folder"])
    if (frame["folder"] == "").all():
        return frame.drop(columns="folder")
    say(
        "The class folders hold folders of their own; if each is a patient, say --group folder, so that no "
        "patient is on both sides of a split."
    )
    frame["folder"] = frame["folder"].where(frame["folder"] != "", None)
    return frame


def _images(folder: Path) -> list[str]:
    """Paths relative to a class folder, with forward slashes, sorted."""
    files = []
    for place, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if visible(f)]
        files += [Path(place, n).relative_to(folder).as_posix() for n in names if is_image(n)]
    return sorted(files)


def _folder(file: str) -> str:
    return file.split("/")[0] if "/" in file else ""


def _refuse_parts(path: Path, classes: dict[str, list[str]]) -> None:
    """Refuse a folder of data sets: Training/ and Testing/ would pass for two classes."""
    inside = [{_folder(f) for f in files} for files in classes.values()]
    if len(inside) > 1 and len(inside[0]) > 1 and "" not in inside[0] and all(s == inside[0] for s in inside):
        names = list(classes)
        raise MedgraftError(
            f"The folders {', '.join(map(repr, names))} of '{path}' all hold the same folders "
            f"({', '.join(sorted(inside[0]))}), so they are no classes: give one of them, such as "
            f"'{path / names[-1]}'."
        )


FORMAT = register(Format("image_folder", (), matches, read, roles={"image": "image", "label": "label"}))
