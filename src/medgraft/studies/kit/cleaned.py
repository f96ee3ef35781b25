"""Images after quality steps, kept as files: what a study does to each image before anything is split."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from medgraft.cohort import Cohort, quality


def cleaned(cohort: Cohort, steps: str, folder: Path) -> Cohort:
    """Return a cohort whose images went through quality steps, with all its roles.

    No leak: a step looks at one image alone.

    Parameters
    ----------
    cohort : Cohort
        Of images.
    steps : str
        As in ``"crop_border,median:size=3"``; see `medgraft.cohort.quality.Steps`.
    folder : path
        Where the images are written; those that are there already, of the same steps, are kept.
    """
    from PIL import Image

    treat = quality.Steps.parse(steps)
    column = str(cohort.image)
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, cell in enumerate(cohort.table[column].astype(str)):
        name = hashlib.sha256(f"{treat} {cell}".encode()).hexdigest()[:24]
        path = folder / f"{name}.png"
        if not path.exists():
            Image.fromarray(treat(np.asarray(cohort.open_image(i)))).save(path)
        paths.append(str(path))
    return replace(cohort, table=cohort.table.assign(**{column: paths}))
