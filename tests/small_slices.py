"""Slices of brain tumours as MATLAB 7.3 writes them: columns first, text as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FIRST = (1, 767, 1533, 2299)  # the first slice of each of the publisher's four archives


def write_slice(
    path: Path, tumour: int, patient: str, *, image: Any = None, mask: Any = None, seed: int = 0
) -> Path:
    """Write a file with the struct ``cjdata``; by default an image of 16 x 12 with a tumour in it."""
    import h5py

    rng = np.random.default_rng([seed, tumour])
    if mask is None:
        mask = np.zeros((16, 12), np.uint8)
        mask[4:9, 3:8] = 1
    if image is None:
        image = rng.integers(0, 300, mask.shape).astype(np.int16) + np.int16(500 * tumour) * mask
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        record = file.create_group("cjdata")
        record.attrs["MATLAB_class"] = np.bytes_("struct")
        fields = {
            "PID": (np.array([[ord(c) for c in patient]], np.uint16), "char"),
            "image": (np.asarray(image), "int16"),
            "label": (np.array([[float(tumour)]]), "double"),
            "tumorBorder": (np.array([[3.0, 4.0, 8.0, 9.0]]), "double"),
            "tumorMask": (np.asarray(mask, np.uint8), "logical"),
        }
        for name, (values, kind) in fields.items():
            item = record.create_dataset(name, data=values.T)
            item.attrs["MATLAB_class"] = np.bytes_(kind)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: PCWIN64".ljust(124) + b"\x00\x02IM")
    return path
