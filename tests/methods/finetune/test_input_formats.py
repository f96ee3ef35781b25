"""The same grey picture in any format, with any number of channels and bits, is the same to a network."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset

from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.sources import Pretrained

SIDE, N = 24, 12
# 16-bit and NIfTI files are read from their darkest to their brightest value, 8-bit files as they are, and
# DICOM through its window. So each picture here has black and white somewhere, and the window is all values;
# 12 bits and 8 then differ by half of a 16th of a grey level at most, which rounding takes away: tolerance 0.
LEVELS = {"12": 4095, "16": 65535}


def dicom(x, path, bits):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{bits}.{path.stem}"
    ds = FileDataset(str(path), {}, preamble=b"\0" * 128, file_meta=meta)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Rows, ds.Columns = x.shape
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PixelRepresentation = "MONOCHROME2", 1, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, int(bits), int(bits) - 1
    top = LEVELS[bits]
    ds.WindowCenter, ds.WindowWidth = (top + 1) // 2, top + 1
    ds.PixelData = np.rint(x * (top / 255)).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(path, enforce_file_format=True)
    return str(path)


def nifti(x, path):
    """A volume with the picture as slice 1 of its third axis: shown with up above, so stored downward."""
    volume = np.zeros((SIDE, SIDE, 3), np.int16)
    volume[..., 1] = x[::-1].T
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), path)
    return f"{path}::axis=2;slice=1"


def image(x, path):
    Image.fromarray(x).save(path)
    return str(path)


def rgb(x):
    return np.stack([x] * 3, axis=-1)


WAYS = {
    "8-bit grey PNG": lambda x, f: image(x, f.with_suffix(".png")),
    "8-bit RGB PNG": lambda x, f: image(rgb(x), f.with_suffix(".png")),
    "8-bit RGBA PNG": lambda x, f: image(np.dstack([rgb(x), np.full_like(x, 255)]), f.with_suffix(".png")),
    "16-bit PNG": lambda x, f: image(x.astype(np.uint16) * 257, f.with_suffix(".png")),
    "16-bit TIFF": lambda x, f: image(x.astype(np.uint16) * 16, f.with_suffix(".tif")),
    "float TIFF": lambda x, f: image(x.astype(np.float32) / 255 - 3, f.with_suffix(".tif")),
    "12-bit DICOM": lambda x, f: dicom(x, f.with_suffix(".dcm"), "12"),
    "16-bit DICOM": lambda x, f: dicom(x, f.with_suffix(".dcm"), "16"),
    "NIfTI slice": lambda x, f: nifti(x, f.with_suffix(".nii.gz")),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same pictures in every format: stripes, whose direction is the label."""
    rng, rows = np.random.default_rng(0), {way: [] for way in WAYS}
    root = tmp_path_factory.mktemp("formats")
    for i in range(N):
        wave = 90 * np.sin(np.arange(SIDE) * 0.9 + rng.uniform(0, 6)) + 128
        x = np.broadcast_to(wave, (SIDE, SIDE)) + rng.normal(0, 25, (SIDE, SIDE))
        x = (x.T if i % 2 else x).clip(0, 255).astype(np.uint8)
        x[0, 0], x[-1, -1] = 0, 255
        for k, (way, write) in enumerate(WAYS.items()):
            folder = root / str(k)
            folder.mkdir(exist_ok=True)
            rows[way].append(write(x, folder / str(i)))
    return {way: pd.DataFrame({"image": paths}) for way, paths in rows.items()}


LABELS = np.array(["across", "along"])[np.arange(N) % 2]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_features_are_the_same_to_the_last_bit_in_every_format(network, files, channels):
    found = {
        way: BackboneFeatures(Pretrained(network.spec, channels=channels), device="cpu").transform(X)
        for way, X in files.items()
    }
    truth = found["8-bit grey PNG"]
    assert truth.std() > 0
    assert [way for way, F in found.items() if not np.array_equal(F, truth)] == []


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("made", [LinearProbe, lambda s, **k: FineTune(s, epochs=1, views=1, **k)])
def test_predictions_are_the_same_to_the_last_bit_in_every_format(network, files, channels, made):
    model = made(Pretrained(network.spec, channels=channels), device="cpu")
    model.fit(files["12-bit DICOM"], LABELS)
    truth = model.predict_proba(files["8-bit grey PNG"])
    assert len(np.unique(truth)) > 2
    assert [way for way, X in files.items() if not np.array_equal(model.predict_proba(X), truth)] == []


def test_what_it_learns_is_the_same_from_every_format(network, files):
    """Of named patients: without names, the inner splits follow the checksums of the files."""
    patients = np.arange(len(LABELS))
    fit = {"groups": patients}
    truth = FineTune(network, epochs=1, views=2, device="cpu").fit(files["8-bit grey PNG"], LABELS, **fit)
    for way in ("16-bit TIFF", "NIfTI slice", "8-bit RGBA PNG"):
        again = FineTune(network, epochs=1, views=2, device="cpu").fit(files[way], LABELS, **fit)
        p, q = again.predict_proba(files[way]), truth.predict_proba(files["8-bit grey PNG"])
        assert np.array_equal(p, q), way
