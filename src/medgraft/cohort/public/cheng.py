"""Cheng's brain tumours: one MATLAB file for each slice, which tells the tumour and the patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats.mat_hdf5 import numbers
from medgraft.cohort.public.layout import find
from medgraft.cohort.ref import Ref

TUMOURS = {1: "meningioma", 2: "glioma", 3: "pituitary"}


def brain_tumour_cheng(folder: Path) -> pd.DataFrame:
    """Return the slices of a folder with ``image``, ``mask``, ``label``, ``patient`` and ``slice``.

    Read are the files that are named by a number, however the four archives were unpacked; ``cvind.mat``, the
    publisher's folds, is passed over. Images are not opened; those of a few patients are smaller than the
    others' 512 x 512.

    Parameters
    ----------
    folder : path
        Files of MATLAB 7.3, each with a struct ``cjdata``: ``label`` 1, 2 or 3, ``PID`` (the patient, as
        text), ``image``, ``tumorMask`` (1 in the tumour).

    Raises
    ------
    MedgraftError
        h5py is not installed, there is no such file or one slice twice, or a file is damaged or of another
        layout; it is named.

    References
    ----------
    Cheng (2017), doi:10.6084/m9.figshare.1512427.v5.
    """
    files = [file for file in find(folder, "**/*.mat") if file.stem.isdecimal()]
    if not files:
        raise MedgraftError(
            f"'{folder}' has no file named by its number, as 1.mat: unpack the archives there."
        )
    seen: dict[int, Path] = {}
    for file in files:
        if (first := seen.setdefault(int(file.stem), file)) != file:
            raise MedgraftError(f"'{first}' and '{file}' have one number: remove one copy of the slices.")
    return pd.DataFrame([_row(file) for file in sorted(files, key=lambda file: (int(file.stem), file))])


def _row(file: Path) -> dict[str, Any]:
    return {
        "image": str(Ref(file, variable="cjdata/image")),
        "mask": str(Ref(file, variable="cjdata/tumorMask")),
        "label": _tumour(file),
        "patient": _patient(file),
        "slice": int(file.stem),
    }


def _tumour(file: Path) -> str:
    values = numbers(file, "cjdata/label").ravel().tolist()
    if len(values) != 1 or values[0] not in TUMOURS:
        raise MedgraftError(
            f"The label of '{file}' is {str(values)[:40]}, not 1, 2 or 3: is it damaged, or another set?"
        )
    return TUMOURS[int(values[0])]


def _patient(file: Path) -> str:
    values = numbers(file, "cjdata/PID")
    text = "".join(map(chr, values.ravel().tolist())).strip() if values.dtype.str[1:] == "u2" else ""
    if not (text and text.isprintable()):
        raise MedgraftError(
            f"'{file}' does not name its patient as text (cjdata.PID): slices of one would teach and be "
            "tested, so repair or remove it."
        )
    return text
