"""DICOM files and folders: a volume for each series, an image for each file that is alone."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, class_of, register, walk
from medgraft.cohort.formats.dicom_pixels import Dataset, is_dicom, n_frames, picture, read_header, read_whole
from medgraft.cohort.formats.dicom_stack import gaps, heights, multiframe, segmentation, stack, thickness
from medgraft.cohort.formats.folders import absolute, data_files
from medgraft.cohort.limits import check_size
from medgraft.cohort.ref import Ref

_SUFFIXES = (".dcm", ".dicom", ".ima")
_YEARS = {"D": 365.25, "W": 52.1775, "M": 12.0, "Y": 1.0}


def matches(path: Path) -> bool:
    """Whether a file is DICOM, or most of the first data files of a folder are."""
    if path.is_file():
        return is_dicom(path)
    files = _candidates(path)[:20]
    return bool(files) and sum(map(is_dicom, files)) > len(files) / 2


def _candidates(folder: Path) -> list[Path]:
    """Return what could be DICOM: known suffixes, and names without (or with a number for) one."""
    try:
        found = walk(folder)
    except Exception:
        return []
    named = {p for p in data_files(folder) if p.suffix.lower() in _SUFFIXES}
    bare = [p for p in found if p in named or not p.suffix or p.suffix[1:].isdigit()]
    return [p for p in bare if p in named or p.name.upper() not in ("DICOMDIR", "LICENSE", "README")]


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per series that is a stack or has many frames, and one per image that is alone.

    Columns: ``volume``, ``image`` and ``mask`` (references; each where there are any), ``patient``
    (PatientID), ``study``, ``series``, ``modality``, ``manufacturer``, ``station``, ``sex``, ``age`` (years),
    ``slices``, ``rows``, ``columns``, ``thickness`` (mm), ``transfer_syntax``, ``burned_in``, ``identified``
    (whether the header names the patient or the date of birth, which themselves are never read into the
    table), and ``label`` or ``folder`` where files lie in folders.
    """
    root = absolute(path)
    rows = []
    for uid, files in _series(root, say).items():
        headers = [ds for _, ds in files]
        if len(files) > 1 and _is_stack(headers):
            along = heights(headers)
            steps = np.array([]) if along is None else gaps(along)
            if len(steps) and steps.max() > 1.01 * steps.min():
                say(
                    f"The slices of the series '{uid[-12:]}' are {steps.min():.3g} to {steps.max():.3g} mm "
                    "apart: one may be missing; the volume is given the mean distance."
                )
            common = _common_folder([file for file, _ in files])
            rows.append(_facts(root, files[0], slices=len(files)) | {"volume": str(Ref(common, series=uid))})
            continue
        for file, ds in files:
            kind = "mask" if ds.get("Modality") == "SEG" else "volume" if _is_deep(ds) else "image"
            rows.append(_facts(root, (file, ds), slices=n_frames(ds)) | {kind: str(file)})
    return _table(rows, path)


def read_files(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per frame of every file, with a column ``image``, and columns as in `read`."""
    root = absolute(path)
    rows = []
    for files in _series(root, say).values():
        for file, ds in sorted(files, key=lambda f: str(f[0])):
            n = n_frames(ds)
            check_size(n * int(ds.Rows) * int(ds.Columns), file)
            refs = [Ref(file, frame=k) if n > 1 else Ref(file) for k in range(n)]
            rows += [_facts(root, (file, ds), slices=1) | {"image": str(ref)} for ref in refs]
    return _table(rows, path)


def _series(root: Path, say: Say) -> dict[str, list[tuple[Path, Dataset]]]:
    files = [root] if root.is_file() else _candidates(root)
    found: dict[str, list[tuple[Path, Dataset]]] = defaultdict(list)
    bare = 0
    for file in files:
        if root.is_dir() and not is_dicom(file):
            continue
        ds = read_header(file)
        if not ds.get("Rows") or not ds.get("Columns"):
            if (
                str(getattr(ds.get("SOPClassUID"), "name", "")).endswith("Image Storage")
                or "SOPClassUID" not in ds
            ):
                raise MedgraftError(
                    f"The header of the DICOM file '{file}' is cut short: replace or remove it."
                )
            bare += 1
            continue
        found[str(ds.get("SeriesInstanceUID") or file)].append((file, ds))
    if bare:
        say(f"{bare} DICOM files hold no image and were left out.")
    if not found:
        raise MedgraftError(f"'{root}' holds no DICOM image.")
    return dict(sorted(found.items(), key=lambda item: str(item[1][0][0])))


def _is_deep(ds: Dataset) -> bool:
    return n_frames(ds) > 1 and int(ds.get("SamplesPerPixel") or 1) == 1


def _is_stack(headers: list[Dataset]) -> bool:
    """Whether single frames of one size lie at different places."""
    shapes = {(ds.Rows, ds.Columns, n_frames(ds), int(ds.get("SamplesPerPixel") or 1)) for ds in headers}
    if len(shapes) > 1 or next(iter(shapes))[2:] != (1, 1):
        return False
    along = heights(headers)
    return along is not None and bool(gaps(along).min() > 1e-3)


def _common_folder(files: list[Path]) -> Path:
    first = files[0].parent
    return next(p for p in (first, *first.parents) if all(f.is_relative_to(p) for f in files))


def _facts(root: Path, file: tuple[Path, Dataset], slices: int) -> dict[str, Any]:
    path, ds = file
    meta = getattr(ds, "file_meta", {})
    syntax = meta.get("TransferSyntaxUID")
    named = bool(str(ds.get("PatientName") or "").strip() or str(ds.get("PatientBirthDate") or "").strip())
    return {
        "file": path.name if root.is_file() else path.relative_to(root).as_posix(),
        "folder": "" if root.is_file() else class_of(root, path),
        "patient": _text(ds.get("PatientID")),
        "study": _text(ds.get("StudyInstanceUID")),
        "series": _text(ds.get("SeriesInstanceUID")),
        "modality": _text(ds.get("Modality")),
        "manufacturer": _text(ds.get("Manufacturer")),
        "station": _text(ds.get("StationName")),
        "sex": _text(ds.get("PatientSex")),
        "age": _age(_text(ds.get("PatientAge"))),
        "slices": slices,
        "rows": int(ds.Rows),
        "columns": int(ds.Columns),
        "thickness": thickness(ds),
        "transfer_syntax": None if syntax is None else str(syntax.name),
        "burned_in": _text(ds.get("BurnedInAnnotation")),
        "identified": named and str(ds.get("PatientIdentityRemoved") or "") != "YES",
    }


def _text(value: Any) -> str | None:
    text = "" if value is None else " ".join(str(value).split())
    return text[:200] or None


def _age(text: str | None) -> float | None:
    match = re.fullmatch(r"(\d{1,3})([DWMY])", text or "")
    return None if match is None else round(int(match[1]) / _YEARS[match[2]], 3)


def _table(rows: list[dict[str, Any]], path: Path) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    folders = frame.pop("folder")
    if folders.nunique() > 1 and (folders != "").all():
        shared = frame.assign(folder=folders).groupby("folder")["patient"].nunique()
        frame["label" if (shared > 1).all() else "folder"] = folders
    return frame


def _index(folder: Path) -> dict[str, list[Path]]:
    """Return the files of each series below a folder."""
    found: dict[str, list[Path]] = defaultdict(list)
    for file in _candidates(folder):
        if is_dicom(file):
            found[_uid(str(file), file.stat().st_mtime_ns)].append(file)
    return dict(found)


@lru_cache(maxsize=100_000)
def _uid(file: str, changed: int) -> str:
    return str(read_header(Path(file)).get("SeriesInstanceUID"))


def is_volume(ref: Ref) -> bool:
    """Whether a reference is to a series in a folder, or to a DICOM file as a whole."""
    path = Path(ref.path)
    return "series" in ref.parts or (not ref.parts and (is_dicom(path) or (path.is_dir() and matches(path))))


def open_volume(ref: Ref) -> object:
    """Return the `Volume` of a series, of the only series in a folder, or of a file with many frames."""
    path = Path(ref.path)
    if path.is_file():
        return multiframe(path)
    if not path.is_dir():
        raise MedgraftError(f"The folder '{path}' does not exist.")
    index = _index(path)
    uid = ref.parts.get("series") or (next(iter(index)) if len(index) == 1 else "")
    if uid not in index:
        raise MedgraftError(f"The folder '{path}' holds {len(index)} series, none of them '{uid}'.")
    files = index[uid]
    return multiframe(files[0]) if len(files) == 1 else stack(files, f"'{uid}' in '{path}'")


def is_image(ref: Ref) -> bool:
    """Whether a reference is to a DICOM file, or to a frame of one."""
    return set(ref.parts) <= {"frame"} and is_dicom(Path(ref.path))


def open_image(ref: Ref) -> object:
    """Return a frame as an 8-bit image; the first one where none is named."""
    path = Path(ref.path)
    return picture(read_whole(path), path, ref.number("frame") if "frame" in ref.parts else 0)


def is_mask(ref: Ref) -> bool:
    """Whether a reference is to a DICOM file as a whole."""
    return not ref.parts and is_dicom(Path(ref.path))


def open_mask(ref: Ref) -> object:
    """Return the labels of a segmentation object."""
    return segmentation(Path(ref.path))


FORMAT = register(
    Format(
        "dicom",
        _SUFFIXES,
        matches,
        read,
        roles={
            "volume": "volume",
            "image": "image",
            "mask": "mask",
            "label": "label",
            "group": "patient",
            "domain": "manufacturer",
        },
        others={"image": read_files},
    )
)
VOLUME = add_decoder(Decoder("dicom volume", "volume", is_volume, open_volume))
IMAGE = add_decoder(Decoder("dicom image", "image", is_image, open_image))
MASK = add_decoder(Decoder("dicom mask", "mask", is_mask, open_mask))
