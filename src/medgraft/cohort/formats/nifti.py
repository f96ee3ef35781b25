"""NIfTI volumes, with label maps beside them where folders say so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, class_of, register
from medgraft.cohort.formats.folders import IMAGES, MASKS, absolute, data_files
from medgraft.cohort.formats.nifti_volume import canonical
from medgraft.cohort.limits import MAX_UNPACKED, check_size
from medgraft.cohort.media import Volume
from medgraft.cohort.ref import Ref

_SUFFIXES = (".nii", ".nii.gz")
_MILLIMETRES = {"meter": 1000.0, "micron": 1e-3}
_SUBJECT = re.compile(r"sub-([A-Za-z0-9]+)")


def _named(path: Path) -> bool:
    return path.name.lower().endswith(_SUFFIXES)


def matches(path: Path) -> bool:
    """Whether a file is named as NIfTI, or most of a folder's data files are."""
    if path.is_file():
        return _named(path)
    files = [f for f in data_files(path) if f.suffix.lower() not in (".csv", ".tsv", ".json")]
    return bool(files) and sum(map(_named, files)) > len(files) / 2


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per volume: ``volume``, ``file``, ``shape``, ``spacing`` (mm), and what folders tell.

    A file of the same name under ``labels`` beside ``images`` is its ``mask``. A part ``sub-XX`` of the path,
    as in BIDS, is the ``patient``. Other first-level folders are the ``label``.
    """
    root = absolute(path)
    files = [root] if root.is_file() else [f for f in data_files(root) if _named(f)]
    masks = {f.name: f for f in files if f.parent.name.lower() in MASKS}
    rows = []
    for file in files:
        if root.is_dir() and file.parent.name.lower() in MASKS:
            continue
        header = _header(file)
        row: dict[str, Any] = {
            "volume": str(file),
            "file": file.name if root.is_file() else file.relative_to(root).as_posix(),
            "shape": "x".join(map(str, header.get_data_shape())),
            "spacing": "x".join(f"{v:.3g}" for v in header.get_zooms()[:3]),
        }
        subject = _SUBJECT.search(row["file"])
        if subject is not None:
            row["patient"] = subject[1]
        folder = "" if root.is_file() else class_of(root, file)
        if folder.lower() in IMAGES and file.name in masks:
            row["mask"] = str(masks[file.name])
        elif folder and subject is None and folder.lower() not in IMAGES:
            row["label"] = folder
        rows.append(row)
    if not rows:
        raise MedgraftError(f"'{path}' holds no NIfTI volume.")
    lone = set(masks) - {Path(row["volume"]).name for row in rows}
    if lone:
        say(f"{len(lone)} label maps have no volume of the same name, the first being '{sorted(lone)[0]}'.")
    return pd.DataFrame(rows)


def _header(path: Path) -> Any:
    import nibabel as nib

    try:
        header = nib.load(path).header
        shape = [int(n) for n in header.get_data_shape()]
    except Exception as error:
        raise MedgraftError(f"'{path}' is no NIfTI volume, or damaged ({type(error).__name__}).") from error
    values = 1
    for n in shape:
        values *= n
    check_size(values, path)
    return header


def _load(path: Path, dtype: Callable[[NDArray[Any]], NDArray[Any]]) -> Volume:
    """Read a volume whose header promises no more than a sample may have, and no more than it promises."""
    import nibabel as nib

    if not path.is_file():
        raise MedgraftError(f"The volume '{path}' does not exist.")
    _header(path)
    try:
        image = nib.load(path)
        if image.header.get_data_offset() > MAX_UNPACKED // 8:
            raise MedgraftError(f"The header of '{path}' puts the voxels absurdly far into the file.")
        values = np.asarray(image.dataobj)
        unit = _MILLIMETRES.get(image.header.get_xyzt_units()[0], 1.0)
    except MedgraftError:
        raise
    except Exception as error:
        raise MedgraftError(
            f"The volume '{path}' is damaged or cut short ({type(error).__name__})."
        ) from error
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise MedgraftError(f"'{path}' has {values.ndim} dimensions; a volume has three.")
    if np.iscomplexobj(values):
        raise MedgraftError(f"'{path}' holds complex values, which are not read: save their magnitude.")
    affine = np.diag([unit, unit, unit, 1.0]) @ np.asarray(image.affine, float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
        raise MedgraftError(f"The header of '{path}' does not say where its voxels lie.")
    return canonical(dtype(values), affine)


def is_whole(ref: Ref) -> bool:
    """Whether a reference is to a NIfTI file."""
    return not ref.parts and _named(Path(ref.path))


def open_volume(ref: Ref) -> Volume:
    """Return the volume, in the units that its slope and intercept give."""
    return _load(Path(ref.path), lambda values: np.asarray(values, np.float32))


def open_mask(ref: Ref) -> NDArray[np.int64]:
    """Return a label map as whole numbers, turned as its volume is."""
    path = Path(ref.path)
    values = _load(path, lambda values: np.asarray(values, np.float32)).values
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        raise MedgraftError(f"'{path}' holds values that are no whole numbers, so it is no label map.")
    return values.astype(np.int64)


def is_slice(ref: Ref) -> bool:
    """Whether a reference is to a slice of a NIfTI file."""
    return set(ref.parts) == {"axis", "slice"} and _named(Path(ref.path))


def open_slice(ref: Ref) -> object:
    """Return a slice as a grey image, up above; the volume's smallest value is black, its largest white."""
    from PIL import Image

    volume = open_volume(Ref(ref.path)).values
    axis, k = ref.number("axis"), ref.number("slice")
    if axis > 2 or k >= volume.shape[axis]:
        raise MedgraftError(f"'{ref}' is outside the volume, which is {'x'.join(map(str, volume.shape))}.")
    known = volume[np.isfinite(volume)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    grey = (np.nan_to_num(np.take(volume, k, axis), nan=low, posinf=high, neginf=low) - low) / (
        (high - low) or 1
    )
    return Image.fromarray(np.rint(255 * grey.T[::-1]).astype(np.uint8))


FORMAT = register(
    Format(
        "nifti",
        _SUFFIXES,
        matches,
        read,
        roles={"volume": "volume", "mask": "mask", "label": "label", "group": "patient"},
    )
)
VOLUME = add_decoder(Decoder("nifti volume", "volume", is_whole, open_volume))
MASK = add_decoder(Decoder("nifti mask", "mask", is_whole, open_mask))
SLICE = add_decoder(Decoder("nifti slice", "image", is_slice, open_slice))
