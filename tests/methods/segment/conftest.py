"""Tiny generated samples with masks: bright balls on noise, where bright is what the mask marks."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from samples import network_file


def ball(rng, shape):
    """Return where a ball lies in a grid."""
    centre = [rng.uniform(0.35 * n, 0.65 * n) for n in shape]
    places = np.meshgrid(*map(np.arange, shape), indexing="ij")
    return sum((p - c) ** 2 for p, c in zip(places, centre, strict=True)) < (0.25 * min(shape)) ** 2


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """A file of a small convolutional network with random weights."""
    return str(network_file(tmp_path_factory.mktemp("network") / "net.safetensors"))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Photographs of unlike size: X, and references to masks with the values 0 and 7."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    refs, masks = [], []
    for i in range(6):
        shape = (40, 32 + 4 * (i % 2))
        inside = ball(rng, shape)
        pixels = rng.integers(0, 60, (*shape, 3)) + 150 * inside[..., None]
        refs.append(str(root / f"{i}.png"))
        masks.append(str(root / f"{i}_mask.png"))
        Image.fromarray(pixels.astype(np.uint8)).save(refs[-1])
        Image.fromarray((7 * inside).astype(np.uint8)).save(masks[-1])
    return pd.DataFrame({"image": refs}), masks


@pytest.fixture(scope="session")
def volumes(tmp_path_factory):
    """NIfTI volumes of unlike size and of unequal voxels: X, and references to masks of 0, 1 and 2."""
    root, rng = tmp_path_factory.mktemp("volumes"), np.random.default_rng(1)
    refs, masks = [], []
    for i in range(4):
        shape = (16, 18 + 2 * (i % 2), 10)
        inside = ball(rng, shape)
        values = rng.normal(0, 30, shape) + 400.0 * inside
        codes = np.where(inside, np.where(np.arange(10) < 5, 1, 2), 0)
        for kind, what, names in (("scan", values, refs), ("mask", codes, masks)):
            names.append(str(root / f"{i}_{kind}.nii.gz"))
            dtype = np.float32 if kind == "scan" else np.uint8
            nib.save(nib.Nifti1Image(what.astype(dtype), np.diag([1.0, 1.0, 2.0, 1.0])), names[-1])
    return pd.DataFrame({"volume": refs}), masks
