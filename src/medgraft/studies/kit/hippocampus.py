"""The Decathlon's hippocampus volumes with a class: larger or smaller than most."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, read
from medgraft.cohort.media import open_sample
from medgraft.cohort.public.layout import find

TOLD = (
    "The classes are made: a hippocampus is large if its outline holds more than the median volume. The set "
    "has no diagnosis. It names no persons, but grey values and volumes show that the files 2k - 1 "
    "and 2k are "
    "the two sides of one: they stay together."
)


def large_or_small(folder: Path) -> Cohort:
    """Return MR volumes of the hippocampus, labelled by whether the outlined volume is above the median.

    For studies of volumes whose own are closed: the class is true of the anatomy, but nobody's diagnosis.

    Parameters
    ----------
    folder : path
        In the layout of the public set ``hippocampus``.

    Raises
    ------
    MedgraftError
        There is no image with an outline.
    """
    images = find(folder, "imagesTr/*.nii.gz|images/*.nii.gz")
    outlines = {p.name: p for p in find(folder, "labelsTr/*.nii.gz|labels/*.nii.gz")}
    pairs = [(image, outlines[image.name]) for image in images if image.name in outlines]
    if not pairs:
        raise MedgraftError(f"'{folder}' has no images with outlines of equal names.")
    sizes = np.array([_millimetres(str(outline)) for _, outline in pairs])
    label = np.where(sizes > np.median(sizes), "large", "small")
    frame = pd.DataFrame({"volume": [str(image.absolute()) for image, _ in pairs], "label": label})
    frame["person"] = [_person(image, i) for i, (image, _) in enumerate(pairs)]
    return read(frame, volume="volume", label="label", positive="small", group="person", features=())


def _person(image: Path, i: int) -> str:
    """Return who a file is of: hippocampus_033 and hippocampus_034 are one person's."""
    number = re.search(r"(\d+)", image.name)
    return f"row {i}" if number is None else f"person {(int(number[1]) + 1) // 2}"


def _millimetres(outline: str) -> float:
    found: Any = open_sample("volume", outline)
    return float((found.values > 0).sum() * np.prod(found.spacing))
