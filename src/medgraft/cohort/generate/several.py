"""A cohort of several kinds at once: an image, a sequence and a table row per patient, with gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.pictures import images
from medgraft.cohort.generate.sequence_files import sequences
from medgraft.cohort.generate.truth import Made


def several(
    folder: str | Path,
    n_patients: int = 40,
    *,
    absent: float = 0.2,
    size: int = 48,
    length: int = 60,
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write a manifest whose rows have an image, a sequence and two numbers, each of which may be missing.

    All three tell the class: the image and the sequence as their own generators say, and ``marker`` is
    normal with unit variance and means 0 and 2. ``noise_value`` tells nothing.

    Parameters
    ----------
    folder : path
        Gets ``images/`` and ``manifest.csv``.
    n_patients : int, default 40
    absent : float, default 0.2
        The share of patients without an image, of those with one who lack the sequence, and of all without a
        marker. Absent files are not written.
    size, length : int
        Of image and sequence.
    shift : float, default 0
        Of the images and sequences.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, for two classes.
    """
    if not 0 <= absent < 1:
        raise MedgraftError("absent must be a share from 0 to below 1.")
    root = Path(folder)
    made = images(root, n_patients, size=size, shift=shift, **people)
    text = sequences(root / "sequences.tmp", n_patients, length=length, shift=shift, **people)
    text.path.unlink()
    table = made.table.rename(columns={"file": "image"}).assign(sequence=text.table["sequence"])
    rng = np.random.default_rng([people.get("seed", 0), 9])
    classes = made.truth.classes
    ill = (table["shown"] == classes[-1]).to_numpy(float)
    table["marker"] = (rng.normal(size=len(table)) + 2 * ill).round(4)
    table["noise_value"] = rng.normal(size=len(table)).round(4)
    for column in ("image", "sequence", "marker"):
        gone = rng.random(len(table)) < absent
        if column == "sequence":
            gone &= table["image"].notna()  # nobody has neither
        if column == "image":
            for name in table.loc[gone, "image"]:
                (root / name).unlink()
        table.loc[gone, column] = np.nan
    table.drop(columns="shown").to_csv(root / "manifest.csv", index=False, lineterminator="\n")
    return Made(root, pd.DataFrame(table), made.truth)
