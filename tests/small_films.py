"""A collection of chest X-rays with CT slices among them, in the layout of covid_chestxray."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

# The finding and the modality of each picture; nobody is ill with what CT alone shows.
FILMS = (
    ("COVID-19", "CT"),
    ("SARS", "X-ray"),
    ("COVID-19", "X-ray"),
    ("COVID-19", "x-ray "),
    ("SARS", "CT"),
    ("SARS", "X-ray"),
    ("Fibrosis", "CT"),
    ("COVID-19", None),
    ("Varicella", "X-ray"),
)


def write_films(folder: Path, *, told: bool = True) -> Path:
    """Write the collection; without the column of modalities if it is not told."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"film{i}.png" for i in range(len(FILMS))]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).save(folder / "images" / name)
    table = pd.DataFrame(FILMS, columns=["finding", "modality"])
    table = table.assign(patientid=range(len(FILMS)), filename=names)
    (table if told else table.drop(columns="modality")).to_csv(folder / "metadata.csv", index=False)
    return folder
