"""DICOM series of a head phantom, written with pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import People, rows, sample_rng
from medgraft.cohort.generate.truth import Array, Made

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

SYNTAXES = ("explicit", "implicit", "big", "deflated", "rle")


def dicom(
    folder: str | Path,
    n_patients: int = 4,
    *,
    size: int = 48,
    slices: int = 6,
    syntax: str = "explicit",
    inverted: bool = False,
    multiframe: bool = False,
    burned_in: bool = False,
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write CT series of a phantom head with a lesion in the last class, as valid DICOM.

    Names, dates and hospitals are plainly invented ("FICTIONAL^P0001"). File names are in no order, so
    whoever does not sort by position gets a scrambled volume. Values are in Hounsfield units once slope
    and intercept are applied: air -1000, skull 900, brain 35, lesion 75, noise 5.

    Parameters
    ----------
    folder : path
        Gets one folder per patient and ``manifest.csv``, whose ``series`` column names them.
    n_patients : int, default 4
    size, slices : int, default 48 and 6
        Pixels of each side, 16 or more, and number of slices.
    syntax : str, default "explicit"
        Transfer syntax: ``"explicit"``, ``"implicit"``, ``"big"`` (endian), ``"deflated"`` or ``"rle"``
        (losslessly compressed, as every decoder can read it).
    inverted : bool, default False
        MONOCHROME1: the smallest value is to be shown white. The values are negated, so that the head
        looks the same.
    multiframe : bool, default False
        One multi-frame file per series instead of one file per slice. It has no positions of frames.
    burned_in : bool, default False
        Draw a bright bar in the corner where a name would stand, and say so (BurnedInAnnotation YES).
    shift : float, default 0
        Of the last site: values plus 40 shift, noise times 1 + shift, and pixels of 0.5 (1 + 0.2 shift) mm.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, for two classes; rows_per_patient are series.

    Returns
    -------
    Made
    """
    group = People(n_patients, **people)
    if syntax not in SYNTAXES or size < 16 or slices < 1 or len(group.classes) != 2:
        raise MedgraftError(
            f"Generated DICOM needs two classes, a size of 16 or more, and a syntax of {', '.join(SYNTAXES)}."
        )
    root, table = Path(folder), group.deal()
    turn = table.groupby("patient").cumcount() + 1
    folders = []
    for i, row in enumerate(rows(table)):
        rng = sample_rng(group.seed, i)
        f = shift * group.shift_of(row.site)
        values = _phantom(size, slices, row.shown == group.classes[-1], rng)
        values += rng.normal(scale=5 * (1 + f), size=values.shape) + 40 * f
        if burned_in:
            values[:, 2:5, 2 : size // 3] = 2000
        name = f"{row.patient}_{turn[i]}"
        (root / name).mkdir(parents=True, exist_ok=True)
        header = _header(row, group, int(turn[i]), f)
        header.BurnedInAnnotation = "YES" if burned_in else "NO"
        stored = np.rint(-values if inverted else values).astype(np.int16)
        header.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
        header.RescaleIntercept, header.RescaleSlope = -1000, 1
        stored = stored + np.int16(1000)
        header.WindowCenter, header.WindowWidth = (-35, 120) if inverted else (35, 120)
        if multiframe:
            _write(header, stored, root / name / "all.dcm", syntax)
        else:
            order = rng.permutation(slices)
            for k in range(slices):
                header.ImagePositionPatient = [-size / 4, -size / 4, 5.0 * k]
                header.SliceLocation = 5.0 * k
                header.InstanceNumber = k + 1
                header.SOPInstanceUID = _uid(group.seed, row.patient, turn[i], k)
                _write(header, stored[k], root / name / f"im{order[k]:04d}.dcm", syntax)
        folders.append(name)
    table.insert(0, "file", folders)
    manifest = table.drop(columns="shown").rename(columns={"file": "series"})
    manifest.to_csv(root / "manifest.csv", index=False, lineterminator="\n")
    g = {s: shift * group.shift_of(s) for s in group.sites}
    changes = {
        s: {"offset": 40.0 * f, "noise": 5 * (1 + f), "spacing": 0.5 * (1 + 0.2 * f)} for s, f in g.items()
    }
    return Made(root, table, group.truth(changes))


def _phantom(size: int, slices: int, ill: bool, rng: np.random.Generator) -> Array:
    z, y, x = np.meshgrid(
        np.linspace(-0.6, 0.6, slices) if slices > 1 else np.zeros(1),
        np.linspace(-1, 1, size),
        np.linspace(-1, 1, size),
        indexing="ij",
    )
    far = np.sqrt((x / 0.7) ** 2 + (y / 0.85) ** 2 + z**2)
    values = np.select([far < 0.88, far < 1.0], [35.0, 900.0], -1000.0)
    centre = rng.uniform(-0.3, 0.3, 2)
    if ill:
        near = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + z**2) < 0.25
        values[near & (far < 0.88)] = 75
    return values


def _header(row: Any, group: People, series: int, f: float) -> Dataset:
    from pydicom.dataset import Dataset

    site = list(group.sites).index(row.site)
    d = Dataset()
    d.SpecificCharacterSet = "ISO_IR 192"
    d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"  # CT image
    d.SOPInstanceUID = _uid(group.seed, row.patient, series, "whole")
    d.StudyInstanceUID = _uid(group.seed, row.patient, "study")
    d.SeriesInstanceUID = _uid(group.seed, row.patient, series)
    d.FrameOfReferenceUID = _uid(group.seed, row.patient, series, "frame")
    d.PatientName, d.PatientID = f"FICTIONAL^{row.patient}", row.patient
    d.PatientSex, d.PatientAge = row.sex[0].upper(), f"{row.age:03d}Y"
    d.PatientBirthDate = f"{2000 - row.age}0101"
    d.StudyDate = d.SeriesDate = d.ContentDate = "20000101"
    d.StudyTime = d.ContentTime = "120000"
    d.AccessionNumber, d.StudyID = f"A{row.patient}", "1"
    d.ReferringPhysicianName = "FICTIONAL^DOCTOR"
    d.InstitutionName = f"Fictional Hospital {row.site}"
    d.Manufacturer, d.ManufacturerModelName = f"Maker {row.site}", f"Model {site + 1}"
    d.Modality, d.BodyPartExamined = "CT", "HEAD"
    d.SeriesNumber = d.InstanceNumber = series
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    d.ImagePositionPatient = [0.0, 0.0, 0.0]
    d.PixelSpacing = [round(0.5 * (1 + 0.2 * f), 6)] * 2
    d.SliceThickness = d.SpacingBetweenSlices = 5.0
    d.KVP = 120
    return d


def _uid(*parts: object) -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["medgraft", *map(str, parts)]))


def _write(header: Dataset, values: Array, path: Path, syntax: str) -> None:
    from pydicom import uid
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    kinds = {
        "implicit": uid.ImplicitVRLittleEndian,
        "big": uid.ExplicitVRBigEndian,
        "deflated": uid.DeflatedExplicitVRLittleEndian,
    }
    meta.TransferSyntaxUID = kinds.get(syntax, uid.ExplicitVRLittleEndian)
    frames = values.ndim == 3
    little = syntax != "big"
    d: FileDataset = FileDataset(
        str(path), header, preamble=b"\0" * 128, file_meta=meta, is_little_endian=little
    )
    if frames:
        d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"  # multi-frame grayscale word secondary capture
        d.NumberOfFrames = len(values)
        del d.ImagePositionPatient
    meta.MediaStorageSOPClassUID = d.SOPClassUID
    meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
    d.Rows, d.Columns = values.shape[-2:]
    d.SamplesPerPixel, d.PixelRepresentation = 1, 1
    d.BitsAllocated, d.BitsStored, d.HighBit = 16, 16, 15
    d.PixelData = values.astype("<i2" if little else ">i2").tobytes()
    d["PixelData"].VR = "OW"
    if syntax == "rle":
        d.compress(uid.RLELossless, generate_instance_uid=False)
    d.save_as(path, enforce_file_format=True)
