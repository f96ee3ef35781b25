"""Images with boxes, in the layouts of Pascal VOC and COCO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate import drawing
from medgraft.cohort.generate.people import People, rows, sample_rng
from medgraft.cohort.generate.truth import Array, Made


def voc(folder: str | Path, n_patients: int = 10, **settings: Any) -> Made:
    """Write smears with several cells each, and their boxes as Pascal VOC: one XML file per image.

    Boxes are 1-based and include their last pixel, as VOC's are. Each cell is a sample; an image is a
    patient's. Source of the layout: Everingham et al. (2010), doi:10.1007/s11263-009-0275-4.

    Parameters
    ----------
    folder : path
        Gets ``JPEGImages/`` and ``Annotations/``.
    n_patients : int, default 10
    **settings
        ``size`` (pixels of a side, default 128), ``shift`` as for
        :func:`~medgraft.cohort.generate.pictures.images`, ``cells`` (per image, at most 9, default
        (3, 6)), and those of :class:`~medgraft.cohort.generate.people.People` except rows_per_patient
        and mixed_labels: cells have classes of their own.

    Returns
    -------
    Made
        ``table`` has xmin, ymin, xmax, ymax: 0-based, the last two exclusive.
    """
    root = Path(folder)
    made = _smears(root, "JPEGImages", n_patients, **settings)
    (root / "Annotations").mkdir(parents=True, exist_ok=True)
    for file, cells in made.table.groupby("file", sort=True):
        width = height = int(cells["size"].iloc[0])
        lines = [
            "<annotation>",
            "  <folder>JPEGImages</folder>",
            f"  <filename>{Path(str(file)).name}</filename>",
            f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>",
        ]
        for c in rows(cells):
            lines += [
                "  <object>",
                f"    <name>{c.label}</name>",
                "    <difficult>0</difficult>",
                f"    <bndbox><xmin>{c.xmin + 1}</xmin><ymin>{c.ymin + 1}</ymin>"
                f"<xmax>{c.xmax}</xmax><ymax>{c.ymax}</ymax></bndbox>",
                "  </object>",
            ]
        target = root / "Annotations" / f"{Path(str(file)).stem}.xml"
        target.write_text("\n".join([*lines, "</annotation>", ""]), encoding="utf-8")
    return Made(root, made.table.drop(columns="size"), made.truth)


def coco(folder: str | Path, n_patients: int = 10, **settings: Any) -> Made:
    """Write the smears of :func:`voc` with their boxes as COCO: one JSON file for all images.

    Boxes are x, y, width, height, 0-based. Source of the layout: Lin et al. (2014),
    doi:10.1007/978-3-319-10602-1_48.

    Parameters
    ----------
    folder : path
        Gets ``images/`` and ``annotations.json``, the path to read.
    n_patients, **settings
        As for :func:`voc`.
    """
    root = Path(folder)
    made = _smears(root, "images", n_patients, **settings)
    files = sorted(made.table["file"].unique())
    size = int(made.table["size"].iloc[0])
    classes = list(made.truth.classes)
    content = {
        "info": {"description": "generated"},
        "images": [
            {"id": i + 1, "file_name": Path(f).name, "width": size, "height": size}
            for i, f in enumerate(files)
        ],
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(classes)],
        "annotations": [
            {
                "id": i + 1,
                "image_id": files.index(c.file) + 1,
                "category_id": classes.index(c.label) + 1,
                "bbox": [c.xmin, c.ymin, c.xmax - c.xmin, c.ymax - c.ymin],
                "area": (c.xmax - c.xmin) * (c.ymax - c.ymin),
                "iscrowd": 0,
            }
            for i, c in enumerate(rows(made.table))
        ],
    }
    target = root / "annotations.json"
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return Made(target, made.table.drop(columns="size"), made.truth)


def _smears(
    root: Path,
    place: str,
    n_patients: int,
    *,
    size: int = 128,
    cells: int | tuple[int, int] = (3, 6),
    shift: float = 0.0,
    **people: Any,
) -> Made:
    from PIL import Image

    most = cells if isinstance(cells, int) else cells[1]
    if size < 48 or most > 9:
        raise MedgraftError("An image with boxes needs a size of 48 or more, and has at most 9 cells.")
    group = People(n_patients, rows_per_patient=cells, mixed_labels=True, **people)
    table = group.deal()
    (root / place).mkdir(parents=True, exist_ok=True)
    parts = []
    for i, (patient, own) in enumerate(table.groupby("patient", sort=True)):
        rng = sample_rng(group.seed, i)
        values = 0.7 + rng.normal(scale=0.03, size=(size, size))
        boxes = [_cell(values, where, c.shown, group, rng) for where, c in _places(own, rng)]
        values = drawing.seen_at(values, shift * group.shift_of(own["site"].iloc[0]))
        pixels = np.rint(255 * values[..., None] ** np.array([0.6, 1.4, 0.8])).astype(np.uint8)
        Image.fromarray(pixels).save(root / place / f"{patient}.jpg", quality=95)
        columns = ["xmin", "ymin", "xmax", "ymax"]
        found = pd.DataFrame(boxes, columns=columns, index=own.index)
        parts.append(pd.concat([own, found], axis=1).assign(size=size))
        parts[-1].insert(0, "file", f"{place}/{patient}.jpg")
    return Made(root, pd.concat(parts, ignore_index=True), group.truth())


def _places(cells: pd.DataFrame, rng: np.random.Generator) -> list[tuple[int, Any]]:
    """Give each cell a field of its own on a grid of 3 x 3, so that none hides another."""
    fields = rng.permutation(9)[: len(cells)].tolist()
    return list(zip(fields, rows(cells), strict=True))


def _cell(
    values: Array, where: int, shown: str, group: People, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Draw a cell into its field and return its box: xmin, ymin, xmax, ymax."""
    size = values.shape[0]
    field = size / 3
    radius = rng.uniform(0.22, 0.32) * field
    cy, cx = (np.array(divmod(where, 3)) + 0.5) * field + rng.uniform(-0.1, 0.1, 2) * field
    mask = drawing.shape(list(group.classes).index(shown), size, (float(cy), float(cx)), radius)
    values[mask] -= 0.4
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
